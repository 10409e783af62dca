/**
 * The settings of oxlint that would repeat themselves in JSON. `.oxlintrc.json` is written from
 * this file by `npm run lint-settings`, and a test fails when they differ.
 */
type Rule = 'off' | 'error' | ['error', ...unknown[]]
type Rules = Record<string, Rule>
type Override = { files: string[]; excludeFiles?: string[]; rules: Rules }
type Pattern = { group: string[]; message: string } | { regex: string; message: string }

/** What every package, service and simulator may import. */
const SHARED = [
  'contracts',
  'money',
  'event-log',
  'outbox',
  'postgres',
  'http',
  'telemetry',
  'batching',
  'service',
  'config',
  'retry',
  'outbound',
  'idempotency',
  'crash-points',
]
const FOR_TESTS = ['testing', 'local-postgres']
const SIMULATORS = ['psp-simulator', 'push-simulator', 'asyncbank-simulator']

const WIRED_BY_MAIN: Pattern = {
  group: ['./main.ts'],
  message: 'main.ts wires everything; nothing in its service imports it.',
}

const OWN_FILES: Pattern = {
  group: ['../**', '!../domain/**'],
  message: 'A folder imports its own files and domain; main.ts and the spine join folders.',
}

/** What a spine and its store may import: a request is a unit of work there, as an event is. */
const WITHOUT_HTTP = SHARED.filter((name) => name !== 'http')
const NO_HTTP = ' A spine and its store know no HTTP.'

/**
 * Services of slices around one core. A slice imports the core and its own files; the core imports
 * no slice; main.ts and the other files beside the folders wire them.
 */
const SLICED = [
  {
    service: 'wallets',
    core: 'ledger',
    slices: ['commands', 'payments', 'accounts', 'history', 'upkeep'],
  },
]

/**
 * Services of slices around a spine that lies beside them. A slice imports process-batch.ts, store,
 * domain and its own files; these import no slice; main.ts and observe.ts wire them.
 */
const SLICED_AROUND_SPINE = [
  { service: 'payments', slices: ['requests', 'events'] },
  { service: 'orders', slices: ['requests', 'events'] },
  { service: 'identity', slices: ['users', 'tokens', 'keys', 'oidc'] },
]

/** Pure files of packages that also have effects. */
const PURE_FILES = ['@caudal/retry/backoff-ms.ts', '@caudal/idempotency/decide-by-key.ts']

const UNSAFE = ['assignment', 'member-access', 'argument', 'call', 'return'].map(
  (use) => `typescript/no-unsafe-${use}`,
)
const TEST_FUNCTIONS = [
  'test',
  'it',
  'describe',
  'suite',
  'before',
  'after',
  'beforeEach',
  'afterEach',
]
const IMPURE_GLOBALS = [
  'process',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'console',
  'performance',
  'crypto',
]

/** The whole content of `.oxlintrc.json`. */
export const LINT_SETTINGS = {
  $schema: './node_modules/oxlint/configuration_schema.json',
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'],
  options: {
    typeAware: true,
    denyWarnings: true,
    reportUnusedDisableDirectives: 'error',
    respectEslintDisableDirectives: false,
  },
  categories: { correctness: 'error', suspicious: 'error' },
  env: { builtin: true, node: true },
  ignorePatterns: ['node_modules', 'tools/fixtures/**', '.caudal/**'],
  rules: {
    'no-console': 'error',
    eqeqeq: ['error', 'always', { null: 'ignore' }],
    curly: ['error', 'multi-line'],
    'prefer-const': 'error',
    'no-var': 'error',
    'no-unused-vars': [
      'error',
      { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
    ],
    'max-lines': ['error', 400],
    'max-lines-per-function': ['error', { max: 70 }],
    'max-depth': ['error', 4],
    'max-params': ['error', 5],
    'no-shadow': 'off',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'import/no-unassigned-import': 'off',
    'oxc/no-barrel-file': ['error', { threshold: 0 }],
    'unicorn/prefer-node-protocol': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/ban-ts-comment': [
      'error',
      { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true, 'ts-check': false },
    ],
    'typescript/consistent-type-imports': 'error',
    'typescript/no-import-type-side-effects': 'error',
    'typescript/no-floating-promises': [
      'error',
      {
        allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: TEST_FUNCTIONS }],
      },
    ],
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true },
    ],
    'typescript/return-await': ['error', 'in-try-catch'],
    'typescript/only-throw-error': 'error',
    ...everywhere(UNSAFE, 'error'),
    'typescript/no-unnecessary-condition': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-unnecessary-type-conversion': 'off',
    'import/no-named-as-default': 'off',
    'import/no-named-as-default-member': 'off',
    'oxc/no-async-endpoint-handlers': 'off',
    'typescript/consistent-return': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-thenable': 'off',
    'no-unmodified-loop-condition': 'off',
    'promise/always-return': 'off',
    'typescript/unbound-method': 'off',
    'typescript/no-misused-spread': 'off',
  } satisfies Rules,
  overrides: [
    ...importDirections(),
    {
      files: ['**/*.test.ts', '**/test/**', 'tests/**'],
      rules: { 'max-lines-per-function': 'off' },
    },
    {
      files: ['cli/**', 'tools/**', 'bench/**', 'tests/**', '**/test/**'],
      rules: { 'no-console': 'off' },
    },
    {
      files: ['**/*.test.ts', '**/test/**', 'tests/**', '**/*.js'],
      rules: everywhere(UNSAFE, 'off'),
    },
  ] satisfies Override[],
}

/** The directions inside a service of `SLICED_AROUND_SPINE`. */
function directionsAroundSpine({ service, slices }: { service: string; slices: string[] }) {
  const src = `services/${service}/src`
  const anySlice = `${src}/{${slices.join(',')}}`
  const message =
    'Imports point one way: main → slices → process-batch.ts → store → domain; ' +
    'a slice never imports another slice.'
  const below = (prefix: string): string[] =>
    ['process-batch.ts', 'store/**', 'domain/**'].map((path) => `!${prefix}${path}`)
  return [
    inService(`${anySlice}/*.ts`, { group: ['../**', ...below('../')], message }),
    inService(`${anySlice}/*/**`, { group: ['../../**', ...below('../../')], message }),
    inSpine(`${src}/process-batch.ts`, { group: ['./**', '!./store/**', '!./domain/**'], message }),
    inSpine(`${src}/store/**`, { group: ['../**', '!../domain/**'], message }),
  ]
}

/** A later override replaces the patterns of an earlier one: the narrower comes later. */
function importDirections(): Override[] {
  return [
    {
      files: ['packages/**', 'simulators/**', 'services/**'],
      rules: restrictImports(...onlyPackages([...SHARED, ...FOR_TESTS])),
    },
    {
      files: ['simulators/**'],
      rules: restrictImports(...onlyPackages([...SHARED, ...FOR_TESTS, 'simulator-kit'])),
    },
    {
      files: ['services/*/test/**'],
      rules: restrictImports(...onlyPackages([...SHARED, 'testing', ...SIMULATORS])),
    },
    inService('services/*/src/*.ts', WIRED_BY_MAIN),
    inSpine('services/*/src/process-batch.ts', WIRED_BY_MAIN),
    inService('services/*/src/*/**', OWN_FILES),
    inService('services/{processor,notifications}/src/{calls,callbacks}/*.ts', {
      group: ['../main.ts', '../*/*/**'],
      message:
        'calls/ and callbacks/ are between the spine and {messaging, store, adapters}: ' +
        'outgoing calls begin and end there, and so do callbacks.',
    }),
    inService('services/*/src/http/**', {
      group: ['../*.ts', '../messaging/**', '../store/**', '../http/**'],
      message:
        'Imports point one way: main → spine → {messaging, store, http} → domain; ' +
        'these three do not import each other.',
    }),
    inSpine('services/*/src/store/**', OWN_FILES),
    pureDomain('services/*/src/domain/**', ['./**']),
    ...SLICED.flatMap(({ service, core, slices }) => {
      const src = `services/${service}/src`
      const message =
        `Imports point one way: main → slices → ${core}; ` +
        `a slice imports ${core} and its own files, never another slice.`
      const coreMessage = `${core} imports no slice; inside: spine → store → domain.`
      const anySlice = `${src}/{${slices.join(',')}}`
      return [
        inService(`${anySlice}/*.ts`, { group: ['../**', `!../${core}/**`], message }),
        inService(`${anySlice}/*/**`, { group: ['../../**', `!../../${core}/**`], message }),
        inSpine(`${anySlice}/store/**`, { group: ['../../**', `!../../${core}/**`], message }),
        inSpine(`${src}/${core}/*.ts`, { group: ['../**'], message: coreMessage }),
        inSpine(`${src}/${core}/*/**`, {
          group: ['../**', '!../domain/**'],
          message: coreMessage,
        }),
        pureDomain(`${src}/${core}/domain/**`, ['./**']),
        pureDomain(`${anySlice}/domain/**`, ['./**', `../../${core}/domain/**`]),
      ]
    }),
    ...SLICED_AROUND_SPINE.flatMap(directionsAroundSpine),
  ]
}

function inService(files: string, ...patterns: Pattern[]): Override {
  return {
    files: [files],
    excludeFiles: ['**/*.test.ts'],
    rules: restrictImports(...onlyPackages(SHARED), ...patterns),
  }
}

/** As `inService`, for a spine, its store and a core. */
function inSpine(files: string, ...patterns: Pattern[]): Override {
  return {
    files: [files],
    excludeFiles: ['**/*.test.ts'],
    rules: restrictImports(...onlyPackages(WITHOUT_HTTP, NO_HTTP), ...patterns),
  }
}

function onlyPackages(names: readonly string[], more = ''): Pattern[] {
  const allowed = names.map((name) => `!@caudal/${name}/**`)
  return [
    {
      group: ['caudal', 'caudal/**', '@caudal/**', ...allowed],
      message:
        'Only shared packages may be imported here: services meet by events and HTTP; ' +
        `only cli and tests import services.${more}`,
    },
    {
      regex: String.raw`^(\.\./)+[^.]+/src/`,
      message: 'Import another workspace by its package name.',
    },
  ]
}

function pureDomain(files: string, ownFiles: readonly string[]): Override {
  const packages = ['@caudal/contracts/**', '@caudal/money/**', ...PURE_FILES]
  const allowed = [...ownFiles, ...packages, 'node:assert', 'node:assert/**']
  return {
    files: [files],
    excludeFiles: ['**/*.test.ts'],
    rules: {
      ...restrictImports({
        group: ['*', ...allowed.map((pattern) => `!${pattern}`)],
        message:
          'domain/ is pure: it imports @caudal/contracts, @caudal/money, backoffMs, ' +
          'decideByKey, node:assert and its own files.',
      }),
      'no-restricted-globals': [
        'error',
        ...IMPURE_GLOBALS.map((name) => ({
          name,
          message: 'domain/ is pure: time, chance and effects are inputs.',
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time is an input of domain/.' },
        { object: 'Math', property: 'random', message: 'Chance is an input of domain/.' },
      ],
    },
  }
}

function restrictImports(...patterns: Pattern[]): Rules {
  return { 'no-restricted-imports': ['error', { patterns }] }
}

function everywhere(rules: readonly string[], level: 'off' | 'error'): Rules {
  return Object.fromEntries(rules.map((rule) => [rule, level]))
}
