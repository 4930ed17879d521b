package dev.gridstride.data;

/**
 * A decoded image.
 *
 * @param channels 1 (grey) or 3 (red, green, blue)
 * @param height in pixels
 * @param width in pixels
 * @param planes uint8 [channels, height, width]
 */
@SuppressWarnings("ArrayRecordComponent") // never compared, only passed on
record Image(int channels, int height, int width, byte[] planes) {
  /** This image in grey or in colour. */
  Image withChannels(int wanted) {
    if (wanted == channels) {
      return this;
    }
    int plane = height * width;
    byte[] converted = new byte[wanted * plane];
    for (int i = 0; i < plane; i++) {
      if (wanted == 3) {
        converted[i] = planes[i];
        converted[plane + i] = planes[i];
        converted[2 * plane + i] = planes[i];
      } else {
        int red = planes[i] & 0xff;
        int green = planes[plane + i] & 0xff;
        int blue = planes[2 * plane + i] & 0xff;
        converted[i] = (byte) ((299 * red + 587 * green + 114 * blue + 500) / 1000);
      }
    }
    return new Image(wanted, height, width, converted);
  }
}
