/** Does something for each of them, so many at once; results come in the order in which they were ready. */
export async function inWaves<T, R>(
  of: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>
): Promise<R[]> {
  const waiting = of.values()
  const done: R[] = []
  const worker = async () => {
    for (const item of waiting) done.push(await work(item))
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return done
}
