/** Whose offsets and parked records: the service's group, and the log that it reads. */
export type ConsumerId = { group: string; source: string }

/** The source of the region's own log; the log of another region has another name. */
export const LOCAL_SOURCE = 'local'
