/** Does each of these, whatever becomes of the others. The result is what they threw. */
export function attemptAll(tasks: readonly (() => unknown)[]): unknown[] {
  return tasks.flatMap(task => {
    try {
      task()
      return []
    } catch (error) {
      return [error]
    }
  })
}
