package dev.gridstride.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class BackendsTest {
  @Test
  void theReferenceIsFoundByName() {
    Backends.Choice choice = Backends.open("Reference", 2);
    try (Session session = choice.session()) {
      assertEquals("device: " + session.description(), choice.reason());
    }
  }

  @Test
  void backendsComeInOrderOfPriority() {
    List<Integer> priorities = Backends.all().stream().map(Backend::priority).toList();
    assertEquals(priorities.stream().sorted((a, b) -> b - a).toList(), priorities);
  }

  @Test
  void autoNeverChoosesTheReference() {
    Backend best = Backends.all().get(0);
    if (best.priority() > 0) {
      try (Session session = Backends.open("auto", 1).session()) {
        assertTrue(!session.description().contains("reference"), session.description());
      }
    } else {
      BackendException error = assertThrows(BackendException.class, () -> Backends.open("auto", 1));
      assertTrue(error.getMessage().startsWith("no device is available"), error.getMessage());
    }
  }

  @Test
  void anUnknownDeviceIsAnErrorThatNamesTheKnownOnes() {
    BackendException error = assertThrows(BackendException.class, () -> Backends.open("gpu", 0));
    assertTrue(error.getMessage().startsWith("unknown device gpu; known: auto, "));
    assertTrue(error.getMessage().contains("reference"));
  }

  @Test
  void aBadIndexIsAnError() {
    BackendException error =
        assertThrows(BackendException.class, () -> Backends.open("reference:first", 0));
    assertEquals("device reference:first: expected NAME or NAME:INDEX", error.getMessage());
    assertThrows(BackendException.class, () -> Backends.open("reference:-1", 0));
    assertThrows(BackendException.class, () -> Backends.open("reference", -1));
  }
}
