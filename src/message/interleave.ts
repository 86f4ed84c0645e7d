/**
 * What several generators give, each as soon as it comes. An error of one ends them all, as does a reader that leaves:
 * they are told so and not waited for, so what they are waiting for should be aborted by the caller. None is asked for
 * more than one value ahead.
 */
export async function* interleave<T>(generators: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const next = (generator: AsyncGenerator<T>) => {
    const step = generator.next().then((result) => ({ generator, result }));
    step.catch(() => {}); // it may fail while the reader is busy with another's value; the race tells of it
    return step;
  };
  const waiting = new Map(generators.map((generator) => [generator, next(generator)]));
  try {
    while (waiting.size > 0) {
      const { generator, result } = await Promise.race(waiting.values());
      if (result.done) waiting.delete(generator);
      else {
        waiting.set(generator, next(generator));
        yield result.value;
      }
    }
  } finally {
    for (const generator of waiting.keys()) generator.return(undefined).catch(() => {});
  }
}
