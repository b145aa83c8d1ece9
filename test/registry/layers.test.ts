/** Every layer, on its samples: values, gradients, natively, optimized. */
import { LAYERS } from '../../compiler/layers/index';
import { testSamples } from './support';

testSamples('layer', LAYERS);
