package dev.gridstride.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImplementationChoiceTest {
  @Test
  void oneForAllAndSomeByOp() {
    var choice = ImplementationChoice.parse(" cudnn , dense=cublas,conv2d = own ,nondeterministic");
    assertEquals(
        new ImplementationChoice("cudnn", Map.of("dense", "cublas", "conv2d", "own"), true),
        choice);
    assertEquals("cublas", choice.of("dense"));
    assertEquals("cudnn", choice.of("softmax"));
    assertTrue(choice.isDemanded("conv2d"));
    assertFalse(choice.isDemanded("softmax"));
    assertEquals(choice, ImplementationChoice.parse(choice.toString()));
  }

  @Test
  void opsAloneLeaveTheRestToOwnKernels() {
    assertEquals("own", ImplementationChoice.parse("dense=auto").of("conv2d"));
    assertEquals(ImplementationChoice.DEFAULT, ImplementationChoice.parse("own"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "cudn | unknown implementation cudn; known: own, cudnn, cublas, auto, tune",
        "dense=mkl | unknown implementation mkl; known: own, cudnn, cublas, auto, tune",
        "own,cudnn | implementations: two for all ops, own and cudnn; name one",
        "dense=own,dense=cublas | implementations: dense is named twice in"
            + " 'dense=own,dense=cublas'",
        "own, | implementations: expected a list like cudnn,dense=cublas, got 'own,'",
        "=own | implementations: expected a list like cudnn,dense=cublas, got '=own'"
      })
  void mistakesAreNamed(String text, String message) {
    var error = assertThrows(BackendException.class, () -> ImplementationChoice.parse(text));
    assertEquals(message, error.getMessage());
  }
}
