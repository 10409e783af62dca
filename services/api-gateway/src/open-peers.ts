import type { PeerName, PublicRoute } from './http/public-routes.ts'
import { createPeer, type Peer, type PeerOptions } from './peers/create-peer.ts'

/** What all peers share, and the base URL of each. */
export interface PeerSettings extends Pick<
  PeerOptions,
  'connections' | 'timeoutMs' | 'maxPending'
> {
  urls: ReadonlyMap<PeerName, string>
}

/** Opens a peer for each service that has an address, with its joined writes. */
export function openPeers(
  routes: readonly PublicRoute[],
  { urls, ...settings }: PeerSettings,
): Map<PeerName, Peer> {
  const open = (name: PeerName): [PeerName, Peer] => {
    const joined = routes.flatMap(({ peer, innerPath: path, joinedAt: to }) =>
      peer === name && to !== undefined ? [{ path, to }] : [],
    )
    return [name, createPeer({ name, url: urls.get(name)!, ...settings, joined })]
  }
  return new Map([...urls.keys()].map(open))
}
