package dev.gridstride.train;

import dev.gridstride.data.Dataset;
import dev.gridstride.nn.ParameterSpec;
import dev.gridstride.program.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/** Describes a run's model and data by names, sizes and checksums. */
final class Fingerprint {
  private static final int CHUNK = 1 << 16;

  private Fingerprint() {}

  static CheckpointInfo.Setup of(Programs programs, Dataset dataset, int batch) {
    return new CheckpointInfo.Setup(
        programs.model().name(),
        architecture(programs),
        dataset.name(),
        dataset.size(),
        data(dataset),
        batch,
        programs.seed(),
        programs.loss().toString(),
        programs.optimizer().toString(),
        programs.optimizer().schedule().toString(),
        programs.augmentation().toString());
  }

  private static String architecture(Programs programs) {
    String text =
        programs.model().layers().layers()
            + programs.model().parameters().stream()
                .map(ParameterSpec::value)
                .map(Object::toString)
                .collect(Collectors.joining("\n"));
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return hex(crc);
  }

  private static String data(Dataset dataset) {
    CRC32C crc = new CRC32C();
    update(crc, dataset.samples());
    update(crc, dataset.labels());
    return hex(crc);
  }

  private static void update(CRC32C crc, Tensor tensor) {
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK * Integer.BYTES);
    switch (tensor.type().dtype()) {
      case UINT8 -> crc.update(tensor.bytes());
      case INT32 -> {
        int[] values = tensor.ints();
        for (int from = 0; from < values.length; from += CHUNK) {
          int count = Math.min(CHUNK, values.length - from);
          chunk.clear().asIntBuffer().put(values, from, count);
          crc.update(chunk.limit(count * Integer.BYTES));
        }
      }
      case FLOAT32 -> {
        float[] values = tensor.floats();
        for (int from = 0; from < values.length; from += CHUNK) {
          int count = Math.min(CHUNK, values.length - from);
          chunk.clear().asFloatBuffer().put(values, from, count);
          crc.update(chunk.limit(count * Float.BYTES));
        }
      }
      default -> throw new IllegalStateException("no data set holds " + tensor.type());
    }
  }

  private static String hex(CRC32C crc) {
    return String.format("%08x", crc.getValue());
  }
}
