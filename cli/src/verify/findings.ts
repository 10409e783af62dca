/** The maximum number of messages of one check; the others are only counted. */
export const LISTED = 10

/** The differences that a check found: the first messages, and the number of all. */
export type Finding = {
  checked: number
  violations: string[]
  violation_count: number
  /** Differences between things that changed a moment ago: under way, if the system is busy. */
  recent?: { messages: string[]; count: number }
}

/** The result of a check; `skipped` lists services that it needs but the system lacks. */
export type CheckReport = {
  name: string
  checked: number
  violations: string[]
  violation_count: number
  /** Differences that will end by themselves as far as can be seen, and are no violations. */
  under_way?: number
  skipped?: string[]
}

/** Adds a difference; `at` are the times of the last changes of what differs. */
export type AddDifference = (message: string, ...at: (Date | null | undefined)[]) => void

/** Collects the differences of one check in bounded memory. */
export type Collector = {
  add: AddDifference
  finding(checked: number): Finding
}

/** Opens a collector that keeps differences apart whose last change was after `recentFrom`. */
export function collectFindings(recentFrom: Date): Collector {
  const settled = { messages: [] as string[], count: 0 }
  const recent = { messages: [] as string[], count: 0 }
  return {
    add(message, ...at) {
      const list = at.some((time) => time && time >= recentFrom) ? recent : settled
      list.count += 1
      if (list.messages.length < LISTED) list.messages.push(message)
    },
    finding: (checked) => ({
      checked,
      violations: settled.messages,
      violation_count: settled.count,
      ...(recent.count > 0 && { recent }),
    }),
  }
}

/** Adds up the findings of the parts of one check. */
export function joinFindings(first: Finding, ...others: readonly Finding[]): Finding {
  const all = [first, ...others]
  const count = (of: (finding: Finding) => number | undefined): number =>
    all.reduce((total, finding) => total + (of(finding) ?? 0), 0)
  const recents = count(({ recent }) => recent?.count)
  return {
    checked: count(({ checked }) => checked),
    violations: all.flatMap(({ violations }) => violations).slice(0, LISTED),
    violation_count: count((finding) => finding.violation_count),
    ...(recents > 0 && {
      recent: {
        messages: all.flatMap(({ recent }) => recent?.messages ?? []).slice(0, LISTED),
        count: recents,
      },
    }),
  }
}

/** In a still system every difference is a violation, in a busy one recent ones are under way. */
export function reportOf(name: string, finding: Finding, isStill: boolean): CheckReport {
  const { recent, ...found } = finding
  if (recent === undefined) return { name, ...found }
  if (!isStill) return { name, ...found, under_way: recent.count }
  return {
    name,
    checked: found.checked,
    violations: [...found.violations, ...recent.messages].slice(0, LISTED),
    violation_count: found.violation_count + recent.count,
  }
}
