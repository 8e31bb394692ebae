import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, launch, type Page } from 'puppeteer-core'
import { inPage } from './in-page.ts'

type Test = { teardown: (task: () => unknown) => void }

/** Debian's Chromium, or one of another name; `undefined` when there is none. */
export const chromium = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap(folder => ['chromium', 'chromium-browser', 'google-chrome'].map(name => join(folder, name)))
  .find(existsSync)

/** Why a test of the browser is skipped; `false` when it is not. */
export const skip = chromium === undefined && 'there is no Chromium here: apt-get install chromium'

/** A browser, without a window. */
export async function startBrowser(t: Test): Promise<Browser> {
  const browser = await launch({
    executablePath: chromium as string,
    // Tests run as root, in which its sandbox does not start, and where /dev/shm is small.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-extensions'],
    protocolTimeout: 60_000
  })
  t.teardown(() => browser.close())
  return browser
}

/** A page that was opened, with all that went wrong in it so far. */
export interface OpenPage {
  readonly page: Page
  /** What its console and its policy complained of, and what it asked of other hosts; to be empty. */
  readonly complaints: readonly string[]
  /** Bytes that were answered, as they went over the wire. */
  readonly bytes: () => number
}

export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly javaScript?: boolean
  readonly scheme?: 'dark' | 'light'
}

/** Opens the status page of a balancer. */
export async function openPage(
  browser: Browser,
  origin: string,
  { width = 1280, height = 900, javaScript = true, scheme = 'light' }: PageOptions = {}
): Promise<OpenPage> {
  const page = await browser.newPage()
  page.setDefaultTimeout(30_000)
  const complaints: string[] = []
  let bytes = 0
  page.on('console', message => {
    if (['error', 'warn'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('request', request => {
    if (new URL(request.url()).origin !== origin) complaints.push(`asked for ${request.url()}`)
  })
  const session = await page.createCDPSession()
  await session.send('Network.enable')
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength
  })
  await page.setViewport({ width, height })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  await page.setJavaScriptEnabled(javaScript)
  await page.goto(`${origin}/`, { waitUntil: 'load' })
  if (javaScript) await page.waitForFunction(inPage.isLive)
  return { page, complaints, bytes: () => bytes }
}

/** What somebody reads there. */
export function textOf(page: Page, selector = 'body'): Promise<string> {
  return page.$eval(selector, inPage.textOf)
}
