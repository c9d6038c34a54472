// The work of tools/bench/agents_driver.c done by Yjs and Automerge, in memory and unsigned: as many
// documents, fields, values and edits, each library by the calls that are fastest for it.
//
//   node --expose-gc peers.mjs yjs|automerge PART ...     of apply, wire, merge, hot
//
// Prints one line of JSON for each row: {"row", "value", "unit"}.

import assert from 'node:assert'

const DELTAS = 100000
const DOCUMENTS = 1000
const MERGE_DOCUMENTS = 25
const MERGE_ENTRIES = 4000
const MERGE_EDITS = 10000
const HOT_KEYS = 100
const HOT_WRITES = 100000

const [library, ...parts] = process.argv.slice(2)
const say = (row, value, unit) => console.log(JSON.stringify({ row, value, unit }))
const field = number => `field-${String(number).padStart(4, '0')}`
const text = number => `step ${number} of ${number * 7}`
const edited = number => `edit ${number} of ${number * 7}`
const since = began => performance.now() - began

function resident () {
  globalThis.gc()
  return process.memoryUsage().rss
}

const count = updates => updates.reduce((sum, update) => sum + update.length, 0)

// What each of them is asked for: make(), apply(doc, update), set(doc, [[key, value] ...]) which
// returns the doc and the update, save(doc), fork(doc), and since(doc, other): what other lacks.

async function yjs () {
  const Y = await import('yjs')
  return {
    deltas: DELTAS,
    hotWritesAtOnce: 1,
    make: () => new Y.Doc(),
    apply: (doc, update) => { Y.applyUpdate(doc, update); return doc },
    set (doc, pairs) {
      let update = null
      const keep = made => { update = made }
      doc.on('update', keep)
      doc.transact(() => {
        const map = doc.getMap('agent')
        for (const [key, value] of pairs) map.set(key, value)
      })
      doc.off('update', keep)
      return [doc, update]
    },
    save: doc => Y.encodeStateAsUpdateV2(doc),
    fork (doc) {
      const other = new Y.Doc()
      Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
      return other
    },
    since: (doc, other) => [Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other))],
    merge: (doc, updates) => { for (const update of updates) Y.applyUpdate(doc, update); return doc },
    get: doc => doc.getMap('agent').toJSON()
  }
}

async function automerge () {
  const A = await import('@automerge/automerge')
  return {
    deltas: DELTAS / 10, // it takes long
    hotWritesAtOnce: HOT_KEYS,
    make: () => A.init(),
    apply: (doc, update) => A.applyChanges(doc, [update])[0],
    set (doc, pairs) {
      const made = A.change(doc, draft => { for (const [key, value] of pairs) draft[key] = value })
      return [made, A.getLastLocalChange(made)]
    },
    save: doc => A.save(doc),
    fork: doc => A.clone(doc),
    since: (doc, other) => A.getChangesSince(doc, A.getHeads(other)),
    merge: (doc, updates) => A.applyChanges(doc, updates)[0],
    get: doc => ({ ...doc })
  }
}

const tools = await { yjs, automerge }[library]()

function apply () {
  const authors = Array.from({ length: DOCUMENTS }, tools.make)
  const updates = []
  for (let i = 0; i < tools.deltas; i++) {
    const at = i % DOCUMENTS
    const [doc, update] = tools.set(authors[at], [[field(Math.floor(i / DOCUMENTS)), text(i)]])
    authors[at] = doc
    updates.push(update)
  }
  const before = resident()
  const docs = Array.from({ length: DOCUMENTS }, tools.make)
  const began = performance.now()
  for (let i = 0; i < updates.length; i++) docs[i % DOCUMENTS] = tools.apply(docs[i % DOCUMENTS], updates[i])
  say('apply in memory', updates.length / since(began) * 1000, '/s')
  say('memory of an entry', (resident() - before) / updates.length, 'B')
  assert.deepStrictEqual(tools.get(docs[7]), tools.get(authors[7]))
}

function wire () {
  let doc = tools.make()
  let update
  for (let i = 0; i < 3; i++) [doc, update] = tools.set(doc, [[field(0), text(1000 * i)]])
  say('one entry replaced, on the wire', update.length, 'B')
}

function edit (docs, first) {
  const pairs = docs.map(() => [])
  for (let i = 0; i < MERGE_EDITS; i++) {
    const at = first + i * 10
    pairs[Math.floor(at / MERGE_ENTRIES)].push([field(at % MERGE_ENTRIES), edited(at)])
  }
  return docs.map((doc, i) => tools.set(doc, pairs[i])[0])
}

function merge () {
  const before = resident()
  let ours = Array.from({ length: MERGE_DOCUMENTS }, (_, i) => tools.set(tools.make(),
    Array.from({ length: MERGE_ENTRIES }, (_, j) => [field(j), text(i * MERGE_ENTRIES + j)]))[0])
  say('memory of 100000 entries', (resident() - before) / (MERGE_DOCUMENTS * MERGE_ENTRIES), 'B')
  let theirs = ours.map(tools.fork)
  ours = edit(ours, 0)
  theirs = edit(theirs, 5)
  const updates = ours.map((doc, i) => tools.since(doc, theirs[i]))
  const began = performance.now()
  const merged = theirs.map((doc, i) => tools.merge(doc, updates[i]))
  say('merge concurrent edits in memory', since(began), 'ms')
  say('bytes of those edits', count(updates.flat()), 'B')
  say('all documents, encoded', count(merged.map(tools.save)), 'B')
  assert.strictEqual(tools.get(merged[0])[field(0)], edited(0))
  assert.strictEqual(tools.get(merged[0])[field(5)], edited(5))
}

function hot () {
  let doc = tools.make()
  let chance = 0
  for (let i = 0; i < HOT_WRITES; i += tools.hotWritesAtOnce) {
    const pairs = []
    for (let j = i; j < i + tools.hotWritesAtOnce; j++) {
      chance = (Math.imul(chance, 69069) + 12345) & 0x7fffffff
      pairs.push([`hot-${(chance >> 16) % HOT_KEYS}`, String(j)])
    }
    doc = tools.set(doc, pairs)[0]
  }
  say('hot document, encoded', tools.save(doc).length, 'B')
}

for (const part of parts) ({ apply, wire, merge, hot })[part]()
