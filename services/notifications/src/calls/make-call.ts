import assert from 'node:assert/strict'
import type { Device } from '@caudal/contracts/device.ts'
import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import type { Outbound } from '@caudal/outbound/create-outbound.ts'
import type { Deadline } from '@caudal/outbound/deadline.ts'
import {
  type DeviceOutcome,
  endExpired,
  type PushOutcome,
  wasDelivered,
} from '../domain/decide-delivery.ts'
import { isWorthSending } from '../domain/is-worth-sending.ts'
import { type Channel, channelOf, type Notification } from '../domain/notification.ts'
import { type Content, writeContent } from '../domain/write-content.ts'
import { notificationIdOf } from '../push/notification-id.ts'
import { type PushChannel, retryAfterFault } from '../push/push-channel.ts'
import type { TriedNotification } from '../store/save-outcomes.ts'
import type { Recipients } from './create-recipients.ts'
import { createTry, decided, postponed, triedWith, type Try } from './create-try.ts'
import type { Observer } from './observe.ts'

/** Finds the devices of a notification, and begins a call to each of their push services. */
type LookupCall = { peer: 'lookup'; notification: Notification; deadline: Deadline }

/** Sends a notification to its devices of one push service. */
type PushCall = {
  peer: Channel
  notification: Notification
  deadline: Deadline
  devices: readonly Device[]
  content: Content
  try: Try
}

export type DeliveryCall = LookupCall | PushCall

/** What the devices of a call answered, and what to record if the call ended its try. */
export type DeliveryCallResult = {
  devices: readonly DeviceOutcome[]
  tried: TriedNotification | null
}

export type CallDeps = {
  recipients: Recipients
  channels: Record<Channel, PushChannel>
  outbound: Pick<Outbound<DeliveryCall['peer'], DeliveryCall>, 'begin' | 'free'>
  observer: Observer
}

/** Makes a call of either kind; null if it began others, of which the last one ends the try. */
export function makeCall(
  deps: CallDeps,
  call: DeliveryCall,
  signal: AbortSignal,
): Promise<DeliveryCallResult | null> {
  return call.peer === 'lookup' ? lookUp(deps, call, signal) : push(deps, call, signal)
}

async function lookUp(
  deps: CallDeps,
  call: LookupCall,
  signal: AbortSignal,
): Promise<DeliveryCallResult | null> {
  const { notification } = call
  if (!isWorthSending(notification.finalizedAtMs, notification.takenAtMs)) {
    return ended(triedWith(notification, endExpired(notification)))
  }
  const answer = await deps.recipients.find(notification)
  // The engine has given up an aborted call, so what it would begin must not leave.
  signal.throwIfAborted()
  if ('fault' in answer) {
    const detail = 'identity did not answer the lookup of devices'
    return ended(postponed(notification, detail, deps.recipients.shutForMs()))
  }
  const { recipient, malformed } = answer
  const { locale, devices } = recipient
  if (malformed !== null) deps.observer.malformedDevices(notification, malformed)
  const open = devices.filter(({ deviceId }) => !notification.settled.has(deviceId))
  if (open.length === 0) return ended(withoutDevices(notification, malformed))
  const id = notificationIdOf(notification.key)
  return beginPushes(deps, call, {
    devices: open,
    content: writeContent(notification, { id, locale }),
  })
}

/** Without a device the notification ends, unless one was left out: it may be mended in time. */
function withoutDevices(notification: Notification, malformed: string | null): TriedNotification {
  return malformed === null || wasDelivered(notification)
    ? decided(notification, [])
    : postponed(notification, malformed)
}

/** A full push service gets no call. Its devices are retried later, and the others sent to now. */
function beginPushes(
  { outbound, observer }: CallDeps,
  { notification, deadline }: LookupCall,
  { devices, content }: Pick<PushCall, 'devices' | 'content'>,
): DeliveryCallResult | null {
  const byChannel = Map.groupBy(devices, channelOf)
  const begun = createTry(notification, byChannel.keys())
  let tried: TriedNotification | null = null
  for (const [peer, own] of byChannel) {
    const call: PushCall = { peer, notification, deadline, devices: own, content, try: begun }
    if (outbound.free(peer) > 0) outbound.begin([call])
    else ({ tried } = endUnsent(observer, call, 'channel_full'))
  }
  return tried && ended(tried)
}

async function push(
  { channels, observer }: CallDeps,
  { peer, devices, content, try: begun }: PushCall,
  signal: AbortSignal,
): Promise<DeliveryCallResult> {
  const answered = await Promise.all(
    devices.map(async (device): Promise<DeviceOutcome> => {
      const startedAt = performance.now()
      crashPoint('before', 'push')
      const outcome = await channels[peer].send(device.token, content, signal)
      crashPoint('after', 'push')
      observer.answered(peer, outcome, performance.now() - startedAt)
      return { device, outcome }
    }),
  )
  return { devices: answered, tried: begun.end(peer, answered) }
}

/** The result of a call that the circuit of its push service refused. */
export function refuse(observer: Observer, call: DeliveryCall): DeliveryCallResult {
  assert(call.peer !== 'lookup', 'lookups have no circuit')
  return endUnsent(observer, call, 'circuit_open')
}

/** A call that took longer than its lease may have reached a device, and is repeated. */
export function cutShort(call: DeliveryCall, fault: unknown): DeliveryCallResult {
  if (call.peer === 'lookup') {
    return ended(postponed(call.notification, 'the try took longer than its lease'))
  }
  return endAlike(call, retryAfterFault(fault))
}

function endUnsent(observer: Observer, call: PushCall, error: string): DeliveryCallResult {
  const outcome: PushOutcome = { kind: 'retry', error }
  for (const _ of call.devices) observer.answered(call.peer, outcome, null)
  return endAlike(call, outcome)
}

function endAlike(call: PushCall, outcome: PushOutcome): DeliveryCallResult {
  const devices = call.devices.map((device) => ({ device, outcome }))
  return { devices, tried: call.try.end(call.peer, devices) }
}

function ended(tried: TriedNotification): DeliveryCallResult {
  return { devices: [], tried }
}
