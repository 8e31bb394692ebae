import type { MemberFacts, SiteFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'

const find = findingOf('clock')

/** A Date header has whole seconds, and an answer takes its time. */
const TELL_MS = 30_000
/** As far as revocation lists and agents bear it. */
const BEAR_MS = 5 * 60_000

/** How far clocks are apart, by the Date of answers. Where all others agree, it is ours that is wrong. Pure. */
export function checkClocks({ masters, ca, isCaMaster }: SiteFacts): readonly Finding[] {
  const members = [...masters, ...(isCaMaster ? [] : [ca])].filter(isTelling)
  const wrong = members.filter(({ aheadMs }) => Math.abs(aheadMs) > TELL_MS)
  const spread =
    Math.max(...wrong.map(({ aheadMs }) => aheadMs)) - Math.min(...wrong.map(({ aheadMs }) => aheadMs))
  if (members.length > 1 && wrong.length === members.length && spread <= TELL_MS) {
    const ahead = -(wrong[0]?.aheadMs ?? 0)
    return [
      find(levelOf(ahead), 'this machine', `its clock is ${describe(ahead)} that of every master.`, remedy)
    ]
  }
  return wrong.map(({ name, aheadMs }) =>
    find(levelOf(aheadMs), name, `its clock is ${describe(aheadMs)} ours.`, remedy)
  )
}

type Telling = MemberFacts & { readonly aheadMs: number }

function isTelling(member: MemberFacts): member is Telling {
  return member.aheadMs !== undefined
}

function levelOf(aheadMs: number): Finding['level'] {
  return Math.abs(aheadMs) > BEAR_MS ? 'error' : 'warning'
}

function describe(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000)
  return `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`
}

const remedy =
  'Set it by NTP (timedatectl set-ntp true, or chrony). By a wrong clock a new certificate or revocation list is not ' +
  'valid yet, and an old one is good for too long.'
