/**
 * Layers and models: thin, immutable descriptions that add ops to programs.
 *
 * <p>The reference model, with 315,722 parameters and 23.6 MFLOP an image and training step:
 *
 * <pre>{@code
 * Model model =
 *     new Model(
 *         "cifar10-cnn",
 *         Shape.of(3, 32, 32),
 *         Sequential.of(
 *             Conv2d.of(32, 3).relu(),
 *             MaxPool2d.of(2),
 *             Conv2d.of(64, 3).relu(),
 *             MaxPool2d.of(2),
 *             new Flatten(),
 *             Dense.of(128).relu(),
 *             Dense.of(10),
 *             new Softmax()));
 * System.out.print(model.summary(64));
 * }</pre>
 *
 * <p>Options have names, and layers too: automatic ones ({@code conv1}, {@code fc2}, {@code bn1})
 * or given ones. A parameter is named by its layer, as in PyTorch: {@code conv1.weight}
 * [O,C,KH,KW], {@code fc1.weight} [O,K], {@code bn1.running_mean} [C].
 *
 * <p>A residual block that halves the image, its shortcut a projection:
 *
 * <pre>{@code
 * Layer block =
 *     Residual.of(
 *             Conv2d.of(64, 3).stride(2).padding(1).bias(false),
 *             BatchNorm.of(),
 *             new Relu(),
 *             Conv2d.of(64, 3).padding(1).bias(false),
 *             BatchNorm.of())
 *         .shortcut(Conv2d.of(64, 1).stride(2).bias(false), BatchNorm.of())
 *         .relu();
 * Model small = new Model("small", image, Sequential.of(stem).add("down", block).add(head));
 * }</pre>
 *
 * <p>A layer of one's own is a function from a scope and a value to a value; here, a learned
 * rotation of 64 features:
 *
 * <pre>{@code
 * Layer rotation =
 *     (scope, x) -> {
 *       Value weight = scope.parameter("weight", Shape.of(64, 64), Initializers.identity());
 *       return scope.add(new Matmul(false, false), x, weight);
 *     };
 * }</pre>
 */
package dev.gridstride.nn;
