/** Layers of several inputs. */
import type { Converter } from '../use';
import { BatchBound, sameShape, shapeText, type Extent, type Extents, type Value } from '../value';

const eltwise: Converter = (use) => {
  const inputs = use.inputs();
  const param = use.part('eltwise_param');
  param.ignore('stable_prod_grad', 'engine');
  const [x] = inputs as [Value];
  const other = inputs.find(({ shape }) => !sameShape(shape, x.shape));
  if (other !== undefined) use.refuse(`combines ${shapeText(x.shape)} with ${shapeText(other.shape)}`);
  const operation = param.word('operation', ['PROD', 'SUM', 'MAX'], 'SUM');
  const coefficients = param.numbers('coeff');
  if (inputs.length < 2) {
    use.pass('it has a single input');
    return;
  }
  if (operation !== 'SUM') {
    use.give(operation === 'PROD' ? 'mul' : 'maximum', inputs, {}, x.shape, x);
    return;
  }
  const usual = coefficients.every((factor) => factor === 1);
  const isDifference = inputs.length === 2 && coefficients[0] === 1 && coefficients[1] === -1;
  if (isDifference) use.give('sub', inputs, {}, x.shape, x);
  else use.give('add', inputs, usual ? {} : { coefficients }, x.shape, x);
};

const concat: Converter = (use) => {
  const inputs = use.inputs();
  const param = use.part('concat_param');
  const [x] = inputs as [Value];
  if (inputs.every(({ variances }) => variances !== undefined)) {
    param.ignore('axis', 'concat_dim');
    const count = inputs.reduce((sum, { shape }) => sum + use.conversion.number(shape[0]!), 0);
    const made = use.give('concat', inputs, { axis: 0 }, [count, 4]);
    const variances = use.emit(
      'concat',
      inputs.map((input) => input.variances!),
      { axis: 0 },
      `${use.name}_variances`,
    );
    const alike = inputs.every(({ variance }) => String(variance) === String(x.variance))
      ? { variance: x.variance! }
      : {};
    use.output(0, { ref: made.name, shape: [count, 4], dtype: 'f32', variances: variances.name, ...alike });
    return;
  }
  const axis = use.axis(x, param.number('axis', param.number('concat_dim', 1)));
  if (x.shape[axis] === 'N') throw new BatchBound();
  const misfit = inputs.find(({ shape }) => !sameShape(without(shape, axis), without(x.shape, axis)));
  if (misfit !== undefined)
    use.refuse(`joins ${shapeText(x.shape)} with ${shapeText(misfit.shape)} along axis ${axis}`);
  if (inputs.length < 2) {
    use.pass('it has a single input');
    return;
  }
  const extent = inputs.reduce((sum, input) => sum + use.extent(input, axis), 0);
  const shape = x.shape.map((e, i) => (i === axis ? extent : e));
  use.give('concat', inputs, axis === 1 ? {} : { axis: fromEnd(x, axis) }, shape, x);
};

const without = (shape: Extents, axis: number): Extent[] => shape.map((extent, i) => (i === axis ? 0 : extent));

/** The last axis of three or more is easier read as −1. */
const fromEnd = ({ shape }: Value, axis: number): number => (axis === shape.length - 1 && axis > 1 ? -1 : axis);

/** Of SENet: a factor for each channel on the second input, then the third one is added. */
const axpy: Converter = (use) => {
  const [factor, x, y] = [use.input(0), use.input(1), use.input(2)];
  const flat = factor.shape.length === 2;
  const scaled = flat
    ? use.emit('scale', [x, factor], { axis: 0 }, `${use.name}_scaled`)
    : use.emit('mul', [x, factor], {}, `${use.name}_scaled`);
  use.give('add', [scaled.name, y], {}, y.shape);
};

export const merges: Readonly<Record<string, Converter>> = { Eltwise: eltwise, Concat: concat, Axpy: axpy };
