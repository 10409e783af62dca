import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lookupRoom } from './lookup-room.ts'

const PLACES = 80

/** The room with this many calls under way. */
function roomWith({ lookup = 0, fcm = 0, apns = 0 }): number {
  const free = { lookup: PLACES - lookup, fcm: PLACES - fcm, apns: PLACES - apns }
  return lookupRoom(free, PLACES)
}

test('F13: the fuller push service decides how many notifications begin', () => {
  assert.equal(roomWith({}), 80)
  assert.equal(roomWith({ fcm: 50, apns: 5 }), 30)
  assert.equal(roomWith({ lookup: 15, fcm: 50, apns: 5 }), 15)
})

test('F13: an eighth of the places serves a push service while the other is full', () => {
  assert.equal(roomWith({ fcm: 80 }), 10)
  assert.equal(roomWith({ apns: 80 }), 10)
  assert.equal(roomWith({ fcm: 75 }), 10)
  assert.equal(roomWith({ fcm: 80, lookup: 1 }), 0)
})

test('no notification begins while both push services are full, or for less than an eighth', () => {
  assert.equal(roomWith({ fcm: 80, apns: 80 }), 0)
  assert.equal(roomWith({ fcm: 80, apns: 71 }), 0)
  assert.equal(roomWith({ lookup: 71 }), 0)
  assert.equal(roomWith({ lookup: 100 }), 0)
})
