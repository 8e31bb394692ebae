import t from 'tap'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { operatorOf } from '../support/operator.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { openPage, skip, startBrowser, textOf } from './browser.ts'

t.test(
  'an operator sees a master die and drains another, in a browser',
  { skip, timeout: 300_000 },
  async t => {
    const pki = await createTestPki()
    const answer = () => startScriptedMaster(t, (_request, response) => response.end('{}'))
    const [m1, m2, m3] = await Promise.all([answer(), answer(), answer()])
    const app = await startBalancer(
      t,
      testConfig(pki, {
        ca: m1.url,
        masters: [
          { name: 'm1', url: m1.url },
          { name: 'm2', url: m2.url },
          { name: 'm3', url: m3.url }
        ]
      })
    )
    const browser = await startBrowser(t)
    const { page, complaints } = await openPage(browser, `http://127.0.0.1:${app.adminPort}`)
    t.match(await textOf(page, '.headline'), 'Agents are served by 3 masters')
    await m2.kill()
    await page.waitForSelector('tr.trouble')
    t.match(await textOf(page, 'tr.trouble'), /m2[\s\S]*down[\s\S]*ECONNREFUSED/)
    t.match(await textOf(page, '.events'), 'master-down')

    await page.click('button[aria-label="drain m3"]')
    await page.waitForSelector('dialog[open]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('button[aria-label="undrain m3"]')
    t.match((await operatorOf(app).master('m3'))?.mode, /^drain(ing|ed)$/)
    t.same(complaints, [])
  }
)
