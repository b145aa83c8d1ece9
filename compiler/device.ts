/** The devices that plans are compiled for, and what of the pipeline belongs to one of them alone. */

export const DEVICES = ['cpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];

/**
 * Passes that make what CUDA kernels do not take: packed weights, images with channels last, groups within
 * normalizations and products, attention without scores.
 */
const CPU_PASSES = ['pack_weights', 'layouts', 'fuse_norms', 'fuse_updates', 'fuse_attention'];

/** What to leave out of the pipeline. */
export function disabledPasses(device: Device): readonly string[] {
  return device === 'cpu' ? [] : CPU_PASSES;
}
