/** As much of a browser's names as tests use within a page: all of their types would change those of Node. */
interface Part {
  readonly textContent: string | null
  readonly scrollWidth: number
  readonly clientWidth: number
  value: string
  getAttribute(name: string): string | null
  toDataURL(): string
}
declare const document: {
  readonly activeElement: Part | null
  readonly documentElement: Part
  querySelector(selector: string): Part | null
}

/** Functions that run within the page, where nothing of this file is known: each stands for itself. */
export const inPage = {
  isTooWide: () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  /** Whether it has begun to follow the balancer. */
  isLive: () => document.querySelector('header p')?.textContent?.includes('as it was at') === false,
  /** Whether it says that it does not follow. */
  isStill: () => (document.querySelector('#still')?.textContent ?? '') !== '',
  /** What a screen reader calls the element that has the focus. */
  focused: () => document.activeElement?.getAttribute('aria-label') ?? null,
  isClosed: () => document.querySelector('dialog') === null,
  isSaid: (part: string) => document.querySelector('dialog')?.textContent?.includes(part) ?? false,
  isDrawnAnew: (before: string) => document.querySelector('.plot canvas')?.toDataURL() !== before,
  textOf: (element: unknown) => (element as Part).textContent ?? '',
  pictureOf: (element: unknown) => (element as Part).toDataURL(),
  empty(element: unknown) {
    const input = element as Part
    input.value = ''
  }
}
