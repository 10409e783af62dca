import { appendFileSync } from 'node:fs'
import { CRASH_POINTS, type CrashPoint, type Step } from './steps.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A step, or the steps that happen at once, which are asked for only by a test. */
export type Steps = Step | (() => Iterable<Step>)

/** Where the process is to die, and where it records which points it has reached. */
type Armed = {
  fatal: CrashPoint | undefined
  /** How often it is still to be passed. */
  left: number
  file: string | undefined
  reached: Set<CrashPoint>
}

/** The variables, which must not be set in production. */
export const CRASH_VARIABLES = ['CAUDAL_CRASH_POINT', 'CAUDAL_CRASH_LOG'] as const

const armed = readArmed(process.env)

/** A boundary of steps. Tests kill the process here; without their variables it is a comparison. */
export function crashPoint(side: 'before' | 'after', steps: Steps | undefined): void {
  if (armed === undefined || steps === undefined) return
  for (const step of typeof steps === 'string' ? [steps] : steps()) reach(armed, `${step}.${side}`)
}

/**
 * Reads `CAUDAL_CRASH_POINT=<point>[:<nth hit>]` and `CAUDAL_CRASH_LOG=<file>`; undefined in
 * production, and without a variable.
 */
function readArmed(env: Env): Armed | undefined {
  const [POINT, LOG] = CRASH_VARIABLES
  const { [POINT]: fatal, [LOG]: file } = env
  if (env['NODE_ENV'] === 'production' || (!fatal && !file)) return undefined
  return { ...parseCrashPoint(fatal), file, reached: new Set() }
}

/** Parses `<point>[:<nth hit>]`; without a point if there is none of that name. */
export function parseCrashPoint(text = ''): Pick<Armed, 'fatal' | 'left'> {
  const [name, nth = '1'] = text.split(':')
  const fatal = CRASH_POINTS.find((point) => point === name)
  return /^[1-9]\d*$/.test(nth) ? { fatal, left: Number(nth) } : { fatal: undefined, left: 0 }
}

/** Records the first time that a point is reached, and that the process dies there. */
function reach(at: Armed, point: CrashPoint): void {
  if (!at.reached.has(point)) {
    at.reached.add(point)
    record(at, point)
  }
  if (point !== at.fatal || (at.left -= 1) > 0) return
  record(at, `killed ${point}`)
  process.kill(process.pid, 'SIGKILL')
}

function record({ file }: Armed, line: string): void {
  if (file) appendFileSync(file, `${line}\n`)
}
