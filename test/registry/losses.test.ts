/** Every loss, on its samples: values, gradients, natively, optimized. */
import { LOSSES } from '../../compiler/losses/index';
import { testSamples } from './support';

testSamples('loss', LOSSES);
