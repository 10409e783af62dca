import type { SourceFile } from './source-tree.ts'

interface Manifest {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  allowScripts?: Record<string, boolean>
}

interface LockedPackage extends Manifest {
  hasInstallScript?: boolean
  link?: boolean
}

/** Versions are exact, so that two installations a year apart get the same code. */
export function findLooseVersions(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => /(^|\/)package\.json$/.test(path))
    .flatMap(({ path, text }) => {
      const manifest = JSON.parse(text) as Manifest
      return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${path}: ${name} is not at an exact version: ${version}`)
    })
}

/** npm 12 runs only the install scripts that the root manifest names in `allowScripts`. */
export function findUnnamedScripts(files: SourceFile[]): string[] {
  const allowed = rootManifest(files).allowScripts ?? {}
  return [...lockedPackages(files)]
    .filter(([path, locked]) => locked.hasInstallScript && !allowed[packageName(path)])
    .map(([path]) => `package.json: allowScripts does not name ${packageName(path)}`)
}

/** npm 12 refuses a lock file that lacks an optional package, as those of other platforms are. */
export function findUnlockedPlatforms(files: SourceFile[]): string[] {
  const packages = lockedPackages(files)
  return [...packages].flatMap(([path, locked]) =>
    Object.keys(locked.optionalDependencies ?? {})
      .filter((name) => !isLocked(packages, path, name))
      .map((name) => `package-lock.json: lacks ${name}, an optional dependency of ${path}`),
  )
}

function isLocked(packages: Map<string, LockedPackage>, from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (packages.has(`${folder === '' ? '' : `${folder}/`}node_modules/${name}`)) return true
    if (folder === '') return false
  }
}

function packageName(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function rootManifest(files: SourceFile[]): Manifest {
  const file = files.find(({ path }) => path === 'package.json')
  return JSON.parse(file?.text ?? '{}') as Manifest
}

function lockedPackages(files: SourceFile[]): Map<string, LockedPackage> {
  const file = files.find(({ path }) => path === 'package-lock.json')
  const lock = JSON.parse(file?.text ?? '{}') as { packages?: Record<string, LockedPackage> }
  return new Map(Object.entries(lock.packages ?? {}))
}
