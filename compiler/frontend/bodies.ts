/**
 * The sub-graphs of control layers (`body:` of a scan, `then:` of a cond): a block, or layers written in place. A body is
 * closed: it sees its inputs and nothing of the model around it.
 */
import * as say from '../diagnostics/catalogue';
import type { Bodies, LayerDef } from '../layers/define';
import { argumentsOf } from './arguments';
import { texts, type Block } from './blocks';
import type { Expander, RawBody, Site } from './expand';
import { INLINE_BODY, isName } from './language';
import { child, locationOf, textOf, toJson, type DocNode, type MapNode } from './node';
import { Scope } from './scope';
import { substitute, substituteFields } from './substitute';
import { checkObject } from './validate';

/** The sub-graphs of a control layer; undefined where one is wrong, which is reported. */
export function bodiesOf(
  expander: Expander,
  def: LayerDef,
  node: MapNode,
  local: string,
  site: Site,
): Record<string, RawBody> | undefined {
  const bodies: Record<string, RawBody> = {};
  for (const field of def.bodies ?? []) {
    const written = child(node, field);
    if (written === undefined) continue;
    // With a single body its layers stand right below the layer.
    const path = def.bodies?.length === 1 ? local : `${local}/${field}`;
    const body = bodyOf(expander, written, field, path, node, site);
    if (body === undefined) return undefined;
    bodies[field] = body;
  }
  return bodies;
}

function bodyOf(
  expander: Expander,
  written: DocNode,
  field: string,
  local: string,
  layer: MapNode,
  site: Site,
): RawBody | undefined {
  const scope = new Scope(`${site.scope.prefix}${local}/`);
  const errors = expander.collector.errors;
  const open = (names: readonly string[]): void => {
    for (const name of names) scope.locals.set(name, { kind: 'value', name: scope.prefix + name, outputs: [] });
  };
  const inner: Site = { ...site, scope, frozen: site.frozen || isFrozen(layer) };
  let names: readonly string[] = [];
  const { made, layers } = expander.apart(() => {
    if (written.kind === 'map' && child(written, 'layers') !== undefined) {
      for (const problem of checkObject(written, INLINE_BODY, `\`${field}\``)) expander.report(problem, site.via);
      const inputs = texts(child(written, 'inputs')).map((text) => String(text.value));
      names = inputs.length > 0 ? inputs : ['x'];
      names.forEach((name, i) => {
        const at = texts(child(written, 'inputs'))[i];
        const first = names.indexOf(name);
        if (at === undefined) return;
        if (!isName(name)) expander.report(say.invalidName(locationOf(at), 'body input', name), site.via);
        if (first < i)
          expander.report(
            say.duplicateName(locationOf(at), 'body input', name, locationOf(texts(child(written, 'inputs'))[first]!)),
            site.via,
          );
      });
      open(names);
      const items = child(written, 'layers');
      const first = scope.locals.get(names[0]!);
      expander.expandList(items?.kind === 'list' ? items.items : [], { ...inner, first });
      const named = child(written, 'outputs');
      return named?.kind === 'map' ? mappedOutputs(named, expander, inner) : expander.outputsOf(texts(named), inner);
    }
    const use = bodyBlock(expander, written, field, site);
    const values = use && argumentsOf(use.block, use.node, (problem) => expander.report(problem, site.via));
    if (use === undefined || values === undefined) return undefined;
    const { block, node } = use;
    block.usage.used = true;
    names = block.inputs;
    open(names);
    return expander.expandBlock(
      block,
      values,
      { block: block.name, at: locationOf(written) },
      node,
      local,
      scope,
      inner,
    );
  });
  if (made === undefined || expander.collector.errors > errors) return undefined;
  return {
    node: written,
    prefix: scope.prefix,
    inputs: names.map((name) => scope.prefix + name),
    layers,
    outputs: made,
  };
}

/** `outputs: {next: add1}` */
function mappedOutputs(node: MapNode, expander: Expander, site: Site): RawBody['outputs'] {
  return [...node.entries].flatMap(([name, { value }]) =>
    texts(value).map((text) => ({ name, target: expander.reference(text, site) })),
  );
}

/** `body: cell` or `body: {type: cell, units: 128}`. */
function bodyBlock(
  expander: Expander,
  written: DocNode,
  field: string,
  site: Site,
): { block: Block; node: MapNode } | undefined {
  const empty: MapNode = {
    kind: 'map',
    entries: new Map(),
    source: written.source,
    start: written.start,
    end: written.end,
  };
  const node = written.kind === 'map' ? substituteFields(written, site.parameters) : empty;
  const type = written.kind === 'map' ? child(node, 'type') : substitute(written, site.parameters);
  if (type === undefined) {
    const hint = 'a body is a block, `{type: block, ...parameters}`, or `{inputs, layers, outputs}`';
    expander.report(say.missingField(locationOf(written), 'layers', `\`${field}\``, hint), site.via);
    return undefined;
  }
  const name = type === undefined ? undefined : toJson(type);
  const block = typeof name === 'string' ? expander.blocks.get(name) : undefined;
  if (block === undefined) {
    expander.report(
      say.unknownType(locationOf(type), textOf(name), `block for \`${field}\``, [...expander.blocks.keys()]),
      site.via,
    );
    return undefined;
  }
  if (site.via.some((outer) => outer.block === block.name)) {
    const at = locationOf(type);
    expander.report(say.recursiveBlock(at, [...site.via, { block: block.name, at }]), site.via);
    return undefined;
  }
  for (const [key, entry] of node.entries) {
    if (key === 'type' || block.params.has(key)) continue;
    expander.report(say.unknownParameter(locationOf(entry.key), key, block.name, [...block.params.keys()]), site.via);
    return undefined;
  }
  return { block, node };
}

/** From the use of a block or a control layer: freezes what is inside. */
export function isFrozen(node: MapNode): boolean {
  const frozen = child(node, 'frozen');
  return frozen !== undefined && toJson(frozen) === true;
}

/** Bodies as the layer around them sees them. */
export function interfacesOf(bodies: Readonly<Record<string, RawBody>>): Bodies {
  const local = ({ prefix, inputs, outputs }: RawBody): Bodies[string] => ({
    inputs: inputs.map((name) => name.slice(prefix.length)),
    outputs: outputs.map(({ name }) => name),
  });
  return Object.fromEntries(Object.entries(bodies).map(([field, body]) => [field, local(body)]));
}
