/** The systems whose push services are reached. */
export const PLATFORMS = ['android', 'ios'] as const
export type Platform = (typeof PLATFORMS)[number]

/** Something that shows notifications; the token is the push network's name for it (P6). */
export type Device = { deviceId: string; platform: Platform; token: string }
