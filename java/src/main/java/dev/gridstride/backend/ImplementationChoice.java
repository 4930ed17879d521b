package dev.gridstride.backend;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which implementation of each op a CUDA device is to use.
 *
 * @param all for the ops that {@code byOp} does not name: {@link #OWN}, {@link #CUDNN} or {@link
 *     #CUBLAS}, preferred where it takes the op, else the next that does; {@link #AUTO} or {@link
 *     #TUNE}
 * @param byOp op name to what it must be computed by; refused with an error where that does not
 *     take it
 * @param nondeterministic whether algorithms of libraries may be used whose results differ from run
 *     to run
 * @param recorded what an earlier run chose where {@link #AUTO} or {@link #TUNE} chooses, as {@link
 *     ImplementationUse#byNode} gave it: chosen again, so that the run goes on bit for bit
 */
public record ImplementationChoice(
    String all, Map<String, String> byOp, boolean nondeterministic, Map<String, String> recorded) {
  /**
   * This project's kernels: nothing but the driver is needed, and a card always gives one result.
   */
  public static final String OWN = "own";

  /** NVIDIA's cuDNN. */
  public static final String CUDNN = "cudnn";

  /** NVIDIA's cuBLAS. */
  public static final String CUBLAS = "cublas";

  /** The fastest as measured before on this device, else {@link #OWN}. */
  public static final String AUTO = "auto";

  /** As {@link #AUTO}, but what was not measured before is measured now. */
  public static final String TUNE = "tune";

  /** What may be said, in the order of documentation. */
  public static final List<String> NAMES = List.of(OWN, CUDNN, CUBLAS, AUTO, TUNE);

  /** {@link #OWN} for every op. */
  public static final ImplementationChoice DEFAULT = new ImplementationChoice(OWN, Map.of(), false);

  private static final String NONDETERMINISTIC = "nondeterministic";

  /** Checks the names and copies the map. */
  public ImplementationChoice {
    check(all);
    byOp.values().forEach(ImplementationChoice::check);
    byOp = Collections.unmodifiableMap(new TreeMap<>(byOp));
    recorded = Map.copyOf(recorded);
  }

  /** A choice that follows no earlier run. */
  public ImplementationChoice(String all, Map<String, String> byOp, boolean nondeterministic) {
    this(all, byOp, nondeterministic, Map.of());
  }

  /** The same choice, made as an earlier run made it. */
  public ImplementationChoice following(Map<String, String> run) {
    return new ImplementationChoice(all, byOp, nondeterministic, run);
  }

  private static void check(String name) {
    if (!NAMES.contains(name)) {
      throw new BackendException(
          "unknown implementation " + name + "; known: " + String.join(", ", NAMES));
    }
  }

  /**
   * What users type: a name for all ops, {@code OP=NAME} for single ones, and {@code
   * nondeterministic}, separated by commas; for example {@code cudnn,dense=cublas}.
   *
   * @throws BackendException if it is none of that
   */
  public static ImplementationChoice parse(String text) {
    String all = null;
    boolean nondeterministic = false;
    Map<String, String> byOp = new TreeMap<>();
    for (String part : text.strip().split("\\s*,\\s*", -1)) {
      int sign = part.indexOf('=');
      if (part.isEmpty() || sign == 0) {
        throw new BackendException(
            "implementations: expected a list like cudnn,dense=cublas, got '" + text + "'");
      } else if (part.equals(NONDETERMINISTIC)) {
        nondeterministic = true;
      } else if (sign < 0) {
        if (all != null) {
          throw new BackendException(
              "implementations: two for all ops, " + all + " and " + part + "; name one");
        }
        all = part;
      } else if (byOp.put(part.substring(0, sign).strip(), part.substring(sign + 1).strip())
          != null) {
        throw new BackendException(
            "implementations: " + part.substring(0, sign) + " is named twice in '" + text + "'");
      }
    }
    return new ImplementationChoice(all == null ? OWN : all, byOp, nondeterministic);
  }

  /** The choice for an op. */
  public String of(String op) {
    return byOp.getOrDefault(op, all);
  }

  /** Whether an op must be computed by what is chosen, and by nothing else. */
  public boolean isDemanded(String op) {
    return byOp.containsKey(op) && !isMeasured(op);
  }

  /** Whether the times of the candidates decide for an op. */
  public boolean isMeasured(String op) {
    return of(op).equals(AUTO) || of(op).equals(TUNE);
  }

  /** Whether this name is asked for, for all ops or for one. */
  public boolean names(String name) {
    return all.equals(name) || byOp.containsValue(name);
  }

  /** What {@link #parse} makes this of. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(all);
    byOp.forEach((op, name) -> text.append(',').append(op).append('=').append(name));
    return text.append(nondeterministic ? "," + NONDETERMINISTIC : "").toString();
  }
}
