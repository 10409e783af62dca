import manifest from '../package.json' with { type: 'json' }

/** The Node flags of `npm start`; all measured processes use them, including the reference. */
export const NODE_FLAGS: readonly string[] = manifest.scripts.start
  .split(' ')
  .filter((word) => word.startsWith('--'))
