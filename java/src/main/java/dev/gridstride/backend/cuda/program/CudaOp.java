package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Op;

/**
 * An op of your own, computed by kernels of your own: like every op a record with its shape rule
 * and its gradient rule, and besides it says what to launch. It may stand in any program, also in
 * one that a layer of your own builds, and runs on {@code cuda} and {@code sim}; on the {@code
 * reference} if it is a {@link dev.gridstride.program.HostOp} too.
 *
 * <p>Its gradient is made of ops as well, as a rule of further ops of your own.
 */
public interface CudaOp extends Op {
  /**
   * Its kernels. Asked for once when a program is compiled; equal code is compiled and loaded once.
   */
  KernelCode kernels();

  /**
   * Records the launches that compute the outputs from the inputs. Nothing runs yet: what is
   * recorded here runs every time the program does, so it must depend on the op's attributes, the
   * shapes and the device only.
   *
   * <p>An output holds nothing defined before, and must be written whole.
   *
   * @throws dev.gridstride.backend.BackendException if the kernels do not take these shapes; see
   *     {@link Launcher#unsupported}
   */
  void launch(Launcher launcher);

  /**
   * Whether an output may be the same memory as the input of the same role, for ops that overwrite
   * persistent values: every thread reads an element before it writes it. If not, which is the
   * default, such an output is computed aside and copied.
   */
  default boolean inPlace() {
    return false;
  }
}
