/**
 * The CPU backend: oneDNN primitives in the layouts they choose, one shard of the batch a thread.
 *
 * <p>{@code Lowering} turns the nodes of a program into steps, choosing layouts and adding
 * reorders; {@code Scheduler} orders them into stages; {@code CpuExecutable} runs the stages on a
 * {@code WorkerTeam}. The {@code ...Steps} classes know the ops, a family each.
 */
package dev.gridstride.backend.cpu;
