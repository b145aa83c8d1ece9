/** What is measured: a model file, the batch sizes, and a training section that is the same for everybody. */
const TRAIN = 'train={batch_size: 1, steps: 1000, optimizer: {type: sgd, lr: 0.0001, momentum: 0.9}}';

export const CASES = [
  { name: 'mlp', file: 'models/mlp.yaml', train: [1, 8, 64], predict: [1, 64] },
  { name: 'lenet', file: 'models/lenet.yaml', train: [1, 8, 64], predict: [1, 64] },
  { name: 'cifar10_quick', file: 'models/cifar10_quick.yaml', train: [100], predict: [100] },
  { name: 'resnet20', file: 'models/resnet20.yaml', train: [128], predict: [128] },
  { name: 'resnet50', file: 'models/resnet50.yaml', train: [16], predict: [1, 16] },
  { name: 'mobilenet_v2', file: 'models/mobilenet_v2.yaml', train: [16], predict: [1] },
  { name: 'unet', file: 'bench/models/unet.yaml', train: [8], predict: [1] },
  { name: 'char_lstm', file: 'bench/models/char_lstm.yaml', train: [32], predict: [1] },
  { name: 'encoder', file: 'bench/models/encoder.yaml', train: [8], predict: [1] },
  { name: 'gpt', file: 'bench/models/gpt.yaml', train: [8], predict: [1] },
].map((one) => ({ ...one, overrides: [TRAIN] }));

/** Settings of each peer; the best of them in a mode is what dlc is compared with. */
export const PEERS = {
  train: {
    eager: { program: 'torch_peer.py', compile: false, nhwc: false },
    'eager nhwc': { program: 'torch_peer.py', compile: false, nhwc: true },
    compiled: { program: 'torch_peer.py', compile: true, nhwc: false },
    'compiled nhwc': { program: 'torch_peer.py', compile: true, nhwc: true },
  },
  predict: {
    eager: { program: 'torch_peer.py', compile: false, nhwc: false },
    'eager nhwc': { program: 'torch_peer.py', compile: false, nhwc: true },
    compiled: { program: 'torch_peer.py', compile: true, nhwc: false },
    'compiled nhwc': { program: 'torch_peer.py', compile: true, nhwc: true },
    onnxruntime: { program: 'onnxruntime_peer.py' },
  },
};

/** Models whose tensors are no images know no channels_last. */
export const IMAGES = new Set(['lenet', 'cifar10_quick', 'resnet20', 'resnet50', 'mobilenet_v2', 'unet']);
