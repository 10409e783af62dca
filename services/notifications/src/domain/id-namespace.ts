/** The namespace of all ids that this service derives. */
export const NAMESPACE = '0a0b8c9e-6d55-5d3e-8e5d-2a4c1f0e7b11'
