package dev.gridstride.nn;

import dev.gridstride.program.Value;

/** Mean of each channel's image: [N,C,H,W] to [N,C]. */
public record GlobalAvgPool2d() implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    return scope.add(new dev.gridstride.program.op.GlobalAvgPool2d(), x);
  }

  @Override
  public String kind() {
    return "pool";
  }

  @Override
  public String toString() {
    return "GlobalAvgPool2d";
  }
}
