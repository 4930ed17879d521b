package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.Shape;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayoutTest {
  private static List<Integer> logicalInStoredOrder(Shape shape, long first, int count) {
    List<Integer> order = new ArrayList<>();
    Layout.forEach(
        shape,
        first,
        count,
        (logical, stored) -> {
          assertEquals(order.size(), stored);
          order.add(logical);
        });
    return order;
  }

  @Test
  void imagesAreStoredChannelsLast() {
    // [2,3,1,2]: for each pixel its three channels, which are 2 apart in row-major order.
    assertEquals(
        List.of(0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11),
        logicalInStoredOrder(Shape.of(2, 3, 1, 2), 0, 12));
  }

  @Test
  void aPartBeginsAnywhere() {
    Shape shape = Shape.of(3, 4, 5, 2);
    List<Integer> whole = logicalInStoredOrder(shape, 0, 120);
    for (int first = 0; first < 120; first++) {
      int count = Math.min(31, 120 - first);
      assertEquals(whole.subList(first, first + count), logicalInStoredOrder(shape, first, count));
    }
  }

  @Test
  void otherRanksStayAsTheyAre() {
    assertEquals(List.of(3, 4, 5), logicalInStoredOrder(Shape.of(2, 3, 4), 3, 3));
    assertEquals(List.of(0), logicalInStoredOrder(Shape.scalar(), 0, 1));
  }

  @Test
  void oneChannelOrOnePixelMovesNothing() {
    assertFalse(Layout.moves(Shape.of(5, 1, 4, 4)));
    assertFalse(Layout.moves(Shape.of(5, 7, 1, 1)));
    assertFalse(Layout.moves(Shape.of(5, 7, 6)));
    assertTrue(Layout.moves(Shape.of(1, 2, 1, 2)));
  }

  @Test
  void channelsOfEveryRank() {
    assertEquals(new Channels(2 * 4 * 5, 3, 1), Channels.of(Shape.of(2, 3, 4, 5)));
    assertEquals(new Channels(2, 3, 4), Channels.of(Shape.of(2, 3, 4)));
    assertEquals(new Channels(2, 3, 1), Channels.of(Shape.of(2, 3)));
  }
}
