import { CALLBACK_PEER } from './http/pass-callbacks.ts'
import type { PeerName, PublicRoute } from './http/public-routes.ts'
import { createPeer, type Peer, type PeerOptions } from './peers/create-peer.ts'
import type { JoinedWrites } from './peers/join-requests.ts'

/** What all peers share, and the base URL of each. */
export interface PeerSettings extends Pick<
  PeerOptions,
  'connections' | 'timeoutMs' | 'maxPending'
> {
  urls: ReadonlyMap<PeerName, string>
}

/** The bytes and all headers of a callback are passed on, since its PSP may sign any of them. */
const CALLBACKS: JoinedWrites = { path: '/callbacks/', to: '/internal/callbacks' }

/** Opens a peer for each service that has an address, with its joined writes. */
export function openPeers(
  routes: readonly PublicRoute[],
  { urls, ...settings }: PeerSettings,
): Map<PeerName, Peer> {
  const open = (name: PeerName): [PeerName, Peer] => {
    const joined: JoinedWrites[] = routes.flatMap(({ peer, innerPath: path, joinedAt: to }) =>
      peer === name && to !== undefined ? [{ path, to }] : [],
    )
    if (name === CALLBACK_PEER) joined.push(CALLBACKS)
    return [name, createPeer({ name, url: urls.get(name)!, ...settings, joined })]
  }
  return new Map([...urls.keys()].map(open))
}
