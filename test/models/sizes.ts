/**
 * What is known of the models of the zoo: parameters, multiplications, outputs, and who says so. Where a source gives only
 * a rounded figure, the exact one follows from the layers that it describes.
 *
 * "torchvision" stands for the tables of weights in torchvision's documentation (`num_params` and `GFLOPS`, which are
 * billions of multiplications with an addition each), "Keras" for the summary of the model in keras.applications.
 */
export interface Size {
  /** Trained parameters; running statistics are none. */
  readonly params: number;
  /** Those that prediction needs, where there are side exits. */
  readonly predicting?: number;
  /** Billions of multiplications of a forward pass, norms and activations not counted. */
  readonly gigamacs?: number;
  /** The shape of what is predicted, without the batch. */
  readonly output?: readonly number[];
  readonly source: string;
}

const IMAGENET = [1000];

export const SIZES: Readonly<Record<string, Size>> = {
  // Distributions
  rbm_cd: { params: 101_264, source: '784·128 weights, 784 visible and 128 hidden units' },
  rbm_pcd: { params: 101_264, source: '784·128 weights, 784 visible and 128 hidden units' },
  vae: { params: 652_824, output: [784], source: 'PyTorch examples, vae: 784-400-20-400-784' },
  gan: { params: 473_105, output: [784], source: 'its own' },
  dcgan: { params: 270_690, output: [1, 28, 28], source: 'its own' },

  // Digits and small images
  mlp: { params: 235_146, gigamacs: 0.000235, output: [10], source: '784·256 + 256·128 + 128·10 and biases' },
  lenet: { params: 431_080, gigamacs: 0.002293, output: [10], source: "Caffe's lenet.prototxt" },
  cifar10_quick: { params: 145_578, gigamacs: 0.0123, output: [10], source: "Caffe's cifar10_quick.prototxt" },
  resnet20: { params: 272_474, gigamacs: 0.041, output: [10], source: 'He et al. 2015, table 6: 0.27M' },
  autoencoder: { params: 115_217, output: [1, 28, 28], source: 'its own' },
  siamese: {
    params: 431_102,
    output: [2],
    source: "Caffe's mnist_siamese.prototxt, where two towers share all weights",
  },

  // AlexNet and VGG
  alexnet: { params: 60_965_224, gigamacs: 0.724, output: IMAGENET, source: "Caffe's bvlc_alexnet" },
  caffenet: { params: 60_965_224, gigamacs: 0.724, output: IMAGENET, source: "Caffe's bvlc_reference_caffenet" },
  alexnet_owt: { params: 61_100_840, gigamacs: 0.714, output: IMAGENET, source: 'torchvision alexnet' },
  vgg11: { params: 132_863_336, gigamacs: 7.609, output: IMAGENET, source: 'torchvision vgg11' },
  vgg13: { params: 133_047_848, gigamacs: 11.308, output: IMAGENET, source: 'torchvision vgg13' },
  vgg16: { params: 138_357_544, gigamacs: 15.47, output: IMAGENET, source: 'torchvision vgg16' },
  vgg16_bn: { params: 138_365_992, gigamacs: 15.47, output: IMAGENET, source: 'torchvision vgg16_bn' },
  vgg19: { params: 143_667_240, gigamacs: 19.632, output: IMAGENET, source: 'torchvision vgg19' },

  // Inception
  googlenet: {
    ...{ params: 13_004_888, predicting: 6_624_904, gigamacs: 1.498, output: IMAGENET },
    source: 'torchvision googlenet, with and without its side exits',
  },
  inception_v3: {
    ...{ params: 27_161_264, predicting: 23_834_568, gigamacs: 5.713, output: IMAGENET },
    source: 'torchvision inception_v3, with and without its side exit',
  },

  // Residual and dense networks
  resnet18: { params: 11_689_512, gigamacs: 1.814, output: IMAGENET, source: 'torchvision resnet18' },
  resnet34: { params: 21_797_672, gigamacs: 3.664, output: IMAGENET, source: 'torchvision resnet34' },
  resnet50: { params: 25_557_032, gigamacs: 4.089, output: IMAGENET, source: 'torchvision resnet50' },
  resnet101: { params: 44_549_160, gigamacs: 7.801, output: IMAGENET, source: 'torchvision resnet101' },
  resnet152: { params: 60_192_808, gigamacs: 11.514, output: IMAGENET, source: 'torchvision resnet152' },
  resnext50_32x4d: { params: 25_028_904, gigamacs: 4.23, output: IMAGENET, source: 'torchvision resnext50_32x4d' },
  densenet121: { params: 7_978_856, gigamacs: 2.834, output: IMAGENET, source: 'torchvision densenet121' },
  densenet161: { params: 28_681_000, gigamacs: 7.728, output: IMAGENET, source: 'torchvision densenet161' },
  densenet169: { params: 14_149_480, gigamacs: 3.36, output: IMAGENET, source: 'torchvision densenet169' },
  densenet201: { params: 20_013_928, gigamacs: 4.291, output: IMAGENET, source: 'torchvision densenet201' },

  // Small and efficient ones
  squeezenet1_0: { params: 1_248_424, gigamacs: 0.819, output: IMAGENET, source: 'torchvision squeezenet1_0' },
  squeezenet1_1: { params: 1_235_496, gigamacs: 0.349, output: IMAGENET, source: 'torchvision squeezenet1_1' },
  mobilenet_v1: {
    ...{ params: 4_231_976, gigamacs: 0.569, output: IMAGENET },
    source: 'Keras MobileNet: 4,253,864, of which 21,888 are running statistics; Howard et al. 2017, table 4',
  },
  mobilenet_v2: { params: 3_504_872, gigamacs: 0.301, output: IMAGENET, source: 'torchvision mobilenet_v2' },
  mobilenet_v3_large: {
    params: 5_483_032,
    gigamacs: 0.217,
    output: IMAGENET,
    source: 'torchvision mobilenet_v3_large',
  },
  mobilenet_v3_small: {
    params: 2_542_856,
    gigamacs: 0.057,
    output: IMAGENET,
    source: 'torchvision mobilenet_v3_small',
  },
  shufflenet_v2_x1_0: {
    params: 2_278_604,
    gigamacs: 0.145,
    output: IMAGENET,
    source: 'torchvision shufflenet_v2_x1_0',
  },
  efficientnet_b0: { params: 5_288_548, gigamacs: 0.386, output: IMAGENET, source: 'torchvision efficientnet_b0' },
  convnext_tiny: { params: 28_589_128, gigamacs: 4.456, output: IMAGENET, source: 'torchvision convnext_tiny' },
  swin_tiny: { params: 28_288_354, gigamacs: 4.491, output: IMAGENET, source: 'torchvision swin_t' },

  // A label for every pixel
  unet: {
    params: 31_030_658,
    output: [2, 388, 388],
    source: 'Ronneberger et al. 2015, figure 1: its layers with biases',
  },
  fcn8s: {
    ...{ params: 134_368_799, output: [500, 500] },
    source:
      'Long et al. 2014: 134M; their voc-fcn8s holds 134,489,759, of which 120,960 are the zeros beside the diagonals ' +
      'of the three fixed interpolations, which are grouped here',
  },
  deeplab_v3_resnet50: {
    ...{ params: 42_004_074, gigamacs: 178.722, output: [520, 520] },
    source: 'torchvision deeplabv3_resnet50 (of 21 classes, with the side exit)',
  },

  // Transformers
  vit_small: {
    params: 22_050_664,
    gigamacs: 4.6,
    output: IMAGENET,
    source: 'Touvron et al. 2020, table 1: DeiT-S, 22M; timm deit_small_patch16_224',
  },
  bert_small: {
    ...{ params: 29_058_876, predicting: 28_763_648, output: [128, 512] },
    source: 'Turc et al. 2019, BERT-Small: 28.8M; 295,228 in the heads of the pre-training',
  },
  gpt_small: {
    params: 124_439_808,
    output: [1024, 50257],
    source: 'Radford et al. 2019, as released: 124M (gpt2 of transformers)',
  },

  // Sequences of words and sounds
  text_cnn: {
    params: 3_362_106,
    output: [6],
    source: 'Kim 2014: 100 filters each of 3, 4 and 5 words, vectors of 300',
  },
  char_lstm: { params: 224_481, output: [64, 65], source: '65·32, 4·128·161, 4·128·257, 128·65 + 65' },
  char_lstm_scan: { params: 224_481, output: [64, 65], source: 'that of char_lstm' },
  text_lstm: { params: 706_822, output: [6], source: '10,000·64, 2·(4·64·128 + 4·64), 128·6 + 6' },
  text_gru: { params: 690_438, output: [6], source: '10,000·64, 2·(3·64·128 + 4·64), 128·6 + 6' },
  text_transformer: { params: 740_486, output: [6], source: '10,000·64, two layers of 49,984, a norm, 64·6 + 6' },
  seq2seq_attention: { params: 5_605_056, output: [20, 8000], source: 'its own' },
  wav_cnn: { params: 558_090, output: [10], source: 'Dai et al. 2016, table 1: M5, 0.5M' },
  deep_speech: { params: 3_214_333, output: [200, 29], source: 'its own' },
  conformer_lite: { params: 2_529_389, output: [99, 29], source: 'its own, of the layers of Conformer (S)' },

  // Tables
  tabular_mlp: { params: 28_450, output: [2], source: 'its own' },
  wide_and_deep: { params: 994_209, output: [1], source: 'Cheng et al. 2016, figure 4: 1024, 512 and 256 units' },
  matrix_factorization: { params: 86_626, output: [], source: '(943 + 1682) · (32 + 1) + 1' },

  // Boxes
  ssd300_vgg16: {
    params: 26_285_486,
    output: [200, 6],
    source: "ssd.pytorch of amdegroot, Caffe's layers, 21 classes",
  },
  ssd_cells: { params: 162_320, output: [64, 6], source: 'its own' },
  yolo_tiny: {
    params: 8_852_366,
    gigamacs: 2.78,
    output: [100, 6],
    source: 'Darknet: yolov3-tiny, 5.56 billion operations',
  },
  // torchvision counts 34,014,999: its norms are frozen and count as buffers, which leaves out 53,120.
  retinanet_resnet50: { params: 34_068_119, output: [300, 6], source: 'torchvision retinanet_resnet50_fpn' },

  // Points
  pointnet: { params: 3_480_049, gigamacs: 0.44, output: [40], source: 'Qi et al. 2016, table 6: 3.5M and 440M' },
};
