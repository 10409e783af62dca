import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

type Profile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
}

const TOP = 12

/** Formats the functions with the most self time in a CPU profile, one line each. */
export async function hottestFunctions(dir: string): Promise<string[]> {
  const [file] = await readdir(dir)
  if (!file) return []
  const { nodes, samples } = JSON.parse(await readFile(join(dir, file), 'utf8')) as Profile
  const names = new Map(
    nodes.map(({ id, callFrame }) => {
      const where = callFrame.url.split('/').slice(-3).join('/')
      return [id, `${callFrame.functionName || '(anonymous)'} ${where}:${callFrame.lineNumber + 1}`]
    }),
  )
  const counts = new Map<string, number>()
  for (const sample of samples) {
    const name = names.get(sample)!
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([name, count]) => `${((count / samples.length) * 100).toFixed(1).padStart(5)} %  ${name}`)
}
