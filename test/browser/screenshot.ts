import { argv, exit, stderr } from 'node:process'
import { chromium, openPage, startBrowser } from './browser.ts'

/** Wide enough for two charts side by side, and no higher than what an operator sees at once. */
const [width, height] = [1100, 900]

const [, , url, file] = argv
if (url === undefined || !file?.endsWith('.png') || chromium === undefined) {
  stderr.write(
    'usage: npm run screenshot -- URL FILE.png (with Chromium): the status page of a balancer that runs\n'
  )
  exit(2)
}
const tasks: (() => unknown)[] = []
const browser = await startBrowser({ teardown: task => void tasks.push(task) })
const { page } = await openPage(browser, new URL(url).origin, { width, height })
await page.waitForSelector('canvas')
await page.screenshot({ path: file as `${string}.png` })
for (const task of tasks) await task()
