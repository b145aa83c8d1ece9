/** Every metric, on its samples: values, gradients, natively, optimized. */
import { METRICS } from '../../compiler/metrics/index';
import { testSamples } from './support';

testSamples('metric', METRICS);
