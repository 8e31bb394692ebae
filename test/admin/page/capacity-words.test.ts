import t from 'tap'
import { capacityWords } from '../../../src/admin/page/view/capacity-words.js'
import type { PoolCapacity } from '../../../src/model/capacity.ts'
import { roomy } from '../scene.ts'

for (const [what, over, words] of [
  [
    'room',
    {},
    '62 % of 16 JRubies; room for 4,100 more agents at this run interval (30 min); without b: 900'
  ],
  [
    'too many agents',
    { headroomAgents: -1, without: [{ master: 'b', utilization: 1.2, headroomAgents: -1_500 }] },
    '62 % of 16 JRubies; 1 agent too many at this run interval (30 min); without b: 1,500 too many'
  ],
  [
    'a pool of one master',
    { jrubies: 1, headroomAgents: 1, without: [{ master: 'b', utilization: null, headroomAgents: null }] },
    '62 % of 1 JRuby; room for 1 more agent at this run interval (30 min); without b: nobody serves'
  ],
  [
    'what is not known yet',
    {
      headroomAgents: null,
      runIntervalSeconds: null,
      unknown: '7 runs in 5 minutes are too few to judge by'
    },
    '62 % of 16 JRubies; room not known yet: 7 runs in 5 minutes are too few to judge by'
  ],
  [
    'nothing at all',
    { jrubies: 0, utilization: null, headroomAgents: null, unknown: 'no master serves', without: [] },
    '0 JRubies; room not known yet: no master serves'
  ]
] as const satisfies readonly (readonly [string, Partial<PoolCapacity>, string])[])
  t.test(`${what} is told in words`, async t => {
    t.equal(capacityWords({ ...roomy, ...over }), words)
  })
