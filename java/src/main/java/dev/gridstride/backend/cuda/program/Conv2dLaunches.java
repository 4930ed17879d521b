package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.program.MatmulLaunches.Product;
import dev.gridstride.backend.cuda.program.MatmulLaunches.Splits;
import dev.gridstride.backend.cuda.program.TilePlan.Tile;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import java.util.ArrayList;
import java.util.List;

/**
 * Launches of {@code conv2d.cu}. What runs is chosen here, by shape:
 *
 * <ul>
 *   <li>a 1x1 kernel that skips nothing is a matrix product of pixels by channels, and goes to
 *       {@code matmul.cu};
 *   <li>groups of few channels have kernels with a thread for each output;
 *   <li>all else is an implicit matrix product: of factors for tensor cores by {@code
 *       conv2d_tensor.cu}, else over the tile of {@link TilePlan}.
 * </ul>
 */
final class Conv2dLaunches {
  private static final String FILE = "conv2d";

  /** Output (input) pixels by channels: wide, for at most 32 channels, and small for few pixels. */
  static final List<Tile> PIXEL_TILES =
      List.of(
          new Tile("128x64", 128, 64, 128, 1.0),
          new Tile("128x32", 128, 32, 128, 0.85),
          new Tile("64x32", 64, 32, 128, 0.65));

  /** Output channels by taps of all input channels. */
  static final List<Tile> WEIGHT_TILES =
      List.of(
          new Tile("128x64", 128, 64, 128, 1.0),
          new Tile("64x64", 64, 64, 128, 0.85),
          new Tile("32x32", 32, 32, 64, 0.6));

  /** A group with fewer input or output channels leaves a tile three quarters empty. */
  private static final int FEW_CHANNELS = 8;

  /** Output channels of a block of the weight gradient of such groups. */
  private static final int GROUPED_COLS = 32;

  private Conv2dLaunches() {}

  static void forward(Conv2d op, Emitter e) {
    Shape inputShape = e.input(0).shape();
    Shape weightShape = e.input(1).shape();
    Sizes sizes = Sizes.of(op, inputShape, weightShape, e.output(0).shape(), e);
    Place bias = e.optionalIn(2);
    if (sizes.pointwise()) {
      Product product = new Product(sizes.outPixels(), sizes.oc, sizes.ic, false, true);
      MatmulLaunches.launch(
          e, product, e.float32Out(), Place.NULL, e.in(0), e.in(1), bias, op.relu());
      return;
    }
    TensorCores type = TensorCores.of(e);
    if (type != null) {
      Conv2dTensorLaunches.Sizes all = Conv2dTensorLaunches.Sizes.of(op, inputShape, weightShape);
      Conv2dTensorLaunches.forward(
          e, type, all, e.float32Out(), e.bfloat16Out(), e.in(0), e.in(1), bias);
      return;
    }
    Place x = e.float32In(0);
    Place w = e.float32In(1);
    if (sizes.fewChannels()) {
      long outputs = sizes.outPixels() * sizes.outChannels();
      Object[] args = sizes.append(List.of(e.out(0), x, w, bias), op.relu() ? 1 : 0);
      byElement(e, "conv2d_grouped_forward_f32", outputs, args);
      return;
    }
    TilePlan plan = plan(e, sizes, sizes.outPixels(), sizes.oc, sizes.taps(), true, PIXEL_TILES);
    forward(e, sizes, plan, e.out(0), x, w, bias, op.relu());
  }

  /** An implicit product by this plan. */
  static void forward(
      Emitter e, Sizes sizes, TilePlan plan, Place y, Place x, Place w, Place bias, boolean relu) {
    long outputs = sizes.outPixels() * sizes.outChannels();
    Splits splits = new Splits(e, plan.splits(), y, outputs, Place.NULL, 0, bias, relu);
    e.launch(
        FILE,
        "conv2d_forward_" + plan.tile().name() + "_f32",
        grid(plan, sizes.outPixels(), sizes.oc, sizes.groups * plan.splits()),
        Dim.of(plan.tile().threads()),
        0,
        sizes.append(
            List.of(splits.y, x, w, splits.bias), plan.depth(), splits.pitch, splits.relu));
    splits.add(sizes.outChannels());
  }

  static void backwardData(Conv2dBackwardData op, Emitter e) {
    Shape weightShape = e.input(1).shape();
    Sizes sizes = Sizes.of(op.conv(), op.inputShape(), weightShape, e.input(0).shape(), e);
    if (sizes.pointwise()) {
      Product product = new Product(sizes.outPixels(), sizes.ic, sizes.oc, false, false);
      MatmulLaunches.launch(
          e, product, e.float32Out(), Place.NULL, e.in(0), e.in(1), Place.NULL, false);
      return;
    }
    TensorCores type = TensorCores.of(e);
    if (type != null) {
      Conv2dTensorLaunches.Sizes all =
          Conv2dTensorLaunches.Sizes.of(op.conv(), op.inputShape(), weightShape);
      Conv2dTensorLaunches.backwardData(
          e, type, all, e.float32Out(), e.bfloat16Out(), e.in(0), e.in(1));
      return;
    }
    Place dy = e.float32In(0);
    Place w = e.float32In(1);
    if (sizes.fewChannels()) {
      long inputs = sizes.inPixels() * sizes.inChannels();
      Object[] args = sizes.append(List.of(e.out(0), dy, w));
      byElement(e, "conv2d_grouped_backward_data_f32", inputs, args);
      return;
    }
    int depth = (int) Dim.ceilDiv((long) sizes.kh * sizes.kw * sizes.oc, sizes.phases());
    TilePlan plan =
        plan(e, sizes.phasePixels(), sizes.ic, depth, sizes.phaseProducts(e), false, PIXEL_TILES);
    backwardData(e, sizes, plan, e.out(0), dy, w);
  }

  /** A product for each phase of the stride, the tile of this plan. */
  static void backwardData(Emitter e, Sizes sizes, TilePlan plan, Place dx, Place dy, Place w) {
    e.launch(
        FILE,
        "conv2d_backward_data_" + plan.tile().name() + "_f32",
        grid(plan, sizes.phasePixels(), sizes.ic, sizes.phaseProducts(e)),
        Dim.of(plan.tile().threads()),
        0,
        sizes.append(List.of(dx, dy, w)));
  }

  static void backwardWeights(Conv2dBackwardWeights op, Emitter e) {
    Shape inputShape = e.input(0).shape();
    Sizes sizes = Sizes.of(op.conv(), inputShape, op.weightShape(), e.input(1).shape(), e);
    Place db = op.bias() ? e.out(1) : Place.NULL;
    if (sizes.pointwise()) {
      Product product = new Product(sizes.oc, sizes.ic, sizes.outPixels(), true, false);
      MatmulLaunches.launch(e, product, e.out(0), db, e.in(1), e.in(0), Place.NULL, false);
      return;
    }
    TensorCores type = TensorCores.of(e);
    if (type != null) {
      Conv2dTensorLaunches.Sizes all =
          Conv2dTensorLaunches.Sizes.of(op.conv(), inputShape, op.weightShape());
      Conv2dTensorLaunches.backwardWeights(e, type, all, e.out(0), e.in(0), e.in(1));
      if (op.bias()) {
        Conv2dTensorLaunches.columnSums(
            e, type, db, e.in(1), sizes.outPixels(), sizes.outChannels());
      }
      return;
    }
    Place x = e.float32In(0);
    Place dy = e.float32In(1);
    int pixels = (int) sizes.outPixels();
    TilePlan plan =
        sizes.fewChannels()
            ? groupedWeights(e, sizes)
            : plan(e, sizes, sizes.oc, sizes.taps(), pixels, true, WEIGHT_TILES);
    backwardWeights(e, sizes, plan, e.out(0), db, x, dy);
  }

  /** By this plan; one without a tile is for groups of few channels. */
  static void backwardWeights(
      Emitter e, Sizes sizes, TilePlan plan, Place dw, Place db, Place x, Place dy) {
    long weights = (long) sizes.outChannels() * sizes.taps();
    Splits splits =
        new Splits(e, plan.splits(), dw, weights, db, sizes.outChannels(), Place.NULL, false);
    Object[] args = sizes.append(List.of(splits.y, splits.sums, x, dy), plan.depth(), splits.pitch);
    Tile tile = plan.tile();
    if (tile == null) {
      long columns = Dim.ceilDiv(sizes.outChannels(), GROUPED_COLS);
      Dim grid = Dim.of(columns, sizes.taps(), plan.splits());
      Dim block = Dim.of(GROUPED_COLS, Blocks.THREADS / GROUPED_COLS);
      e.launch(FILE, "conv2d_grouped_backward_weights_f32", grid, block, 0, args);
    } else {
      String kernel = "conv2d_backward_weights_" + tile.name() + "_f32";
      Dim grid = grid(plan, sizes.oc, sizes.taps(), sizes.groups * plan.splits());
      e.launch(FILE, kernel, grid, Dim.of(tile.threads()), 0, args);
    }
    splits.add(sizes.taps());
  }

  /** Enough splits that every multiprocessor has 8 blocks of 256 threads, all that it holds. */
  private static TilePlan groupedWeights(Emitter e, Sizes sizes) {
    if (sizes.taps() > TilePlan.MOST_BLOCKS) {
      throw e.unsupported("kernel too large for groups of few channels");
    }
    long blocks = Dim.ceilDiv(sizes.outChannels(), GROUPED_COLS) * sizes.taps();
    long wanted = Dim.ceilDiv(8L * e.multiprocessors(), blocks);
    long pixels = sizes.outPixels();
    long depth = Math.max(Dim.ceilDiv(pixels, wanted), Blocks.THREADS);
    return new TilePlan(null, (int) Dim.ceilDiv(pixels, depth), (int) depth);
  }

  private static TilePlan plan(
      Emitter e, Sizes sizes, long m, long n, int k, boolean split, List<Tile> tiles) {
    return plan(e, m, n, k, sizes.groups, split, tiles);
  }

  private static TilePlan plan(
      Emitter e, long m, long n, int k, int products, boolean split, List<Tile> tiles) {
    TilePlan plan =
        products > TilePlan.MOST_BLOCKS
            ? null
            : TilePlan.of(m, n, k, products, split, e.multiprocessors(), tiles);
    if (plan == null) {
      throw e.unsupported("no grid has room for " + products + " products of " + n + " columns");
    }
    return plan;
  }

  private static Dim grid(TilePlan plan, long m, long n, int products) {
    Tile tile = plan.tile();
    return Dim.of(Dim.ceilDiv(m, tile.rows()), Dim.ceilDiv(n, tile.cols()), products);
  }

  private static void byElement(Emitter e, String kernel, long elements, Object[] args) {
    e.launch(FILE, kernel, Dim.of(Dim.ceilDiv(elements, Blocks.THREADS)), Blocks.ALL, 0, args);
  }

  /** Whether groups of so many input and output channels have kernels of their own. */
  static boolean fewChannels(int groups, int ic, int oc) {
    return groups > 1 && Math.min(ic, oc) < FEW_CHANNELS;
  }

  /** The kernels' sizes, in their order; ic and oc are channels of one group. */
  record Sizes(
      int n,
      int ih,
      int iw,
      int ic,
      int oh,
      int ow,
      int oc,
      int kh,
      int kw,
      int sh,
      int sw,
      int pt,
      int pl,
      int dh,
      int dw,
      int groups) {
    static Sizes of(Conv2d conv, Shape x, Shape w, Shape y, Emitter e) {
      ChannelsLast in = ChannelsLast.of(x);
      ChannelsLast out = ChannelsLast.of(y);
      Size2d kernel = Conv2d.kernel(w);
      Padding2d padding = conv.padding();
      int groups = conv.groups();
      TilePlan.size(e, in.n() * in.pixels(), "pixels");
      TilePlan.size(e, out.n() * out.pixels(), "output pixels");
      e.int32(in.elements() / in.n(), "elements of an image");
      e.int32(out.elements() / out.n(), "elements of an output image");
      e.int32(w.elementsPerRow() * out.c(), "weights");
      return new Sizes(
          in.n(),
          in.h(),
          in.w(),
          in.c() / groups,
          out.h(),
          out.w(),
          out.c() / groups,
          kernel.height(),
          kernel.width(),
          conv.stride().height(),
          conv.stride().width(),
          padding.top(),
          padding.left(),
          conv.dilation().height(),
          conv.dilation().width(),
          groups);
    }

    int inChannels() {
      return ic * groups;
    }

    int outChannels() {
      return oc * groups;
    }

    long inPixels() {
      return (long) n * ih * iw;
    }

    long outPixels() {
      return (long) n * oh * ow;
    }

    /** Products into which the gradient of the input falls apart: one for each phase. */
    int phases() {
      return Math.multiplyExact(sh, sw);
    }

    int phaseProducts(Emitter e) {
      return e.int32((long) groups * phases(), "groups times strides");
    }

    /** Input pixels of the first phase, which no other has more of. */
    long phasePixels() {
      return n * Dim.ceilDiv(ih, sh) * Dim.ceilDiv(iw, sw);
    }

    /** Weights of one output channel. */
    int taps() {
      return kh * kw * ic;
    }

    /** Whether it is a product of pixels by channels. */
    boolean pointwise() {
      return groups == 1 && isPixelByPixel();
    }

    /** Whether every pixel of the output is computed from the same pixel of the input. */
    boolean isPixelByPixel() {
      return kh == 1 && kw == 1 && sh == 1 && sw == 1 && ih == oh && iw == ow && pt == 0 && pl == 0;
    }

    boolean fewChannels() {
      return Conv2dLaunches.fewChannels(groups, ic, oc);
    }

    /** A kernel's arguments: pointers, sizes, and the rest. */
    Object[] append(List<Place> pointers, Object... rest) {
      List<Object> args = new ArrayList<>(pointers);
      args.addAll(List.of(n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups));
      args.addAll(List.of(rest));
      return args.toArray();
    }
  }
}
