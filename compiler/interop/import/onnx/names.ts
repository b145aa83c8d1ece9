/** What layers are called: by the source's names where those say something, else by their type. */
import type { Layer } from './layer';

/** Words for types whose own are long. */
const SHORT: Readonly<Record<string, string>> = {
  batch_norm: 'bn',
  layer_norm: 'norm',
  rms_norm: 'norm',
  group_norm: 'norm',
  instance_norm: 'norm',
  dense: 'fc',
  expression: 'formula',
};

const WEIGHT = /[._/](weight|weights|kernel|w|W|gamma|scale)(_\d+)?(:0)?$/;

/** A wish without what every name has in front, and without what only repeats the operator. */
export function wishFor(wish: string, layer: Layer, prefix: string): string {
  const weight = [...layer.tensors.values()][0]?.source;
  const own = weight !== undefined && WEIGHT.test(weight) ? weight.replace(WEIGHT, '') : wish;
  const cut = own.startsWith(prefix) ? own.slice(prefix.length) : own;
  const parts = cut
    .replace(/:\d+$/, '')
    .split(/[/.]/)
    .filter((part) => part !== '');
  // PyTorch writes `/layer1/layer1.0/conv1/Conv`: each level says what is above it again.
  const levels: string[] = [];
  for (const part of cut
    .replace(/:\d+$/, '')
    .split('/')
    .filter((one) => one !== '')) {
    const above = levels.join('.');
    if (above !== '' && part.startsWith(`${above}.`)) levels.push(...part.slice(above.length + 1).split('.'));
    else levels.push(...part.split('.'));
  }
  while (levels.length > 1 && isOperator(levels.at(-1)!)) levels.pop();
  const said = levels.filter((level) => level !== '');
  const name = said.join('/');
  return parts.length === 0 || /^[\d/]*(_constant)?$/.test(name) || isOperator(name) || /^onnx__?/.test(name)
    ? defaultName(layer.type)
    : name;
}

/** `Conv_12`, `node_7`, `Relu`. */
function isOperator(word: string): boolean {
  return (
    /^([A-Z][A-Za-z0-9]*|node|op|n)(_\d+)?$/.test(word) &&
    /^(node|op|n|[A-Z][a-zA-Z]*[a-z]|LSTM|GRU|RNN|LRN)(\d*)(_\d+)*$/.test(word)
  );
}

function defaultName(type: string): string {
  return SHORT[type] ?? type.replace(/[123]d$/, '');
}

/** The first part of a path, where all have the same. */
export function commonPrefix(names: readonly string[]): string {
  const paths = names.map((name) => name.replace(/ \(.*$/, '')).filter((name) => name.includes('/'));
  const named = names.filter((name) => !/^[\d]+ /.test(name));
  if (paths.length < 2 || paths.length < named.length * 0.9) return '';
  const first = /^\/?[^/]+\//.exec(paths[0]!)?.[0] ?? '';
  return first !== '' && paths.every((name) => name.startsWith(first)) ? first : '';
}
