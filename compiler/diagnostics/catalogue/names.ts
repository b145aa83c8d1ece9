/** Messages about names, references and the graph that layers form. */
import type { Diagnostic, Note } from '../diagnostic';
import type { Location } from '../location';
import { count, listed, make, suggest } from '../make';

/** `what` reads like "layer" or "model input". */
export function invalidName(at: Location, what: string, name: string): Diagnostic {
  return make('invalid-name', at, `\`${name}\` cannot name a ${what}`, {
    hint: 'names are made of letters, digits, `_` and `-`, in parts joined by `/`',
  });
}

export function duplicateName(at: Location, what: string, name: string, first: Location): Diagnostic {
  return make('duplicate-name', at, `the name \`${name}\` is taken; a ${what} needs one of its own`, {
    notes: [{ message: 'first used here', at: first }],
  });
}

/** A block named like a layer type, a parameter named like a common field. */
export function reservedName(at: Location, what: string, name: string, owner: string): Diagnostic {
  return make('duplicate-name', at, `the name \`${name}\` is taken by ${owner}; the ${what} needs another one`);
}

export function unknownReference(at: Location, name: string, what: string, known: readonly string[]): Diagnostic {
  return make('unknown-reference', at, `there is no ${what} \`${name}\``, { hint: suggest(name, known, 'there are') });
}

export function unknownOutput(at: Location, layer: string, output: string, known: readonly string[]): Diagnostic {
  return make('unknown-reference', at, `layer \`${layer}\` has no output \`${output}\``, {
    hint: known.length > 0 ? suggest(output, known, 'its further outputs') : 'it has one output; use its plain name',
  });
}

export function noInputBefore(at: Location, layer: string): Diagnostic {
  return make('input-count', at, `\`${layer}\` is the first layer and the model has no inputs`, {
    hint: 'declare one under `inputs:`',
  });
}

/** `owner` reads like "layer `sum` of type `add`". */
export function inputCount(at: Location, owner: string, arity: readonly [number, number], found: number): Diagnostic {
  const [least, most] = arity;
  const wanted =
    least === most
      ? count(least, 'input')
      : most >= 1000
        ? `at least ${count(least, 'input')}`
        : `${least} to ${most} inputs`;
  return make('input-count', at, `${owner} takes ${wanted}; found ${found}`);
}

/** The layers of one loop, in order; the first is named again at the end. */
export function cycle(layers: readonly { readonly name: string; readonly at: Location }[]): Diagnostic {
  const names = [...layers, layers[0]!].map((layer) => `\`${layer.name}\``).join(' → ');
  const notes: Note[] = layers.slice(1).map(({ name, at }) => ({ message: `\`${name}\` is part of the loop`, at }));
  return make('cycle', layers[0]!.at, `layers depend on each other in a circle: ${names}`, {
    hint: 'data must flow one way, from the inputs to the outputs',
    notes,
  });
}

export function missingLoss(at: Location): Diagnostic {
  return make('missing-loss', at, 'the model has a `train:` section and no losses', {
    hint: 'add `losses: [{type: …, inputs: […]}]`',
  });
}

/** `term` reads like "loss `cross_entropy`". */
export function missingLossInput(
  at: Location,
  term: string,
  arity: readonly [number, number],
  found: readonly string[],
): Diagnostic {
  const given = found.length === 0 ? 'none is given' : `only ${listed(found)} is given`;
  return make('missing-loss-input', at, `${term} takes ${count(arity[0], 'input')}; ${given}`, {
    hint: 'list a prediction and what it is compared with: `inputs: [logits, label]`',
  });
}

export function unboundSymbol(at: Location, symbol: string, batch: string | undefined): Diagnostic {
  const known = batch === undefined ? 'no symbol is' : `only the batch, \`${batch}\`, is`;
  return make('unbound-symbol', at, `the dimension \`${symbol}\` has no value: ${known} bound`, {
    hint: `write a number instead of \`${symbol}\``,
  });
}

export function unusedLayer(at: Location, layer: string): Diagnostic {
  return make('unused-layer', at, `nothing uses the output of layer \`${layer}\``, {
    hint: 'add it to `outputs:`, use it, or remove it',
  });
}

export function unreachableLayer(at: Location, layer: string): Diagnostic {
  return make('unreachable-layer', at, `the output of layer \`${layer}\` reaches no output, loss or metric`);
}

export function unusedInput(at: Location, input: string): Diagnostic {
  return make('unused-input', at, `nothing uses the input \`${input}\``, { hint: 'remove it' });
}
