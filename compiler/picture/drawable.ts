/** The picture that is drawn of a model: repeats folded, clusters closed as asked, refused where it would never be read. */
import { pictureTooLarge } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import type { Spec } from '../frontend/spec';
import { pictureOf } from './build';
import { closed, depthOf } from './close';
import { folded } from './fold';
import { boxesOf, type Picture } from './picture';

/** What is laid out in seconds: a thousand boxes with little more than an arrow each, fewer with many. */
export const MOST_BOXES = 1200;
export const MOST_ARROWS = 2400;

export const isSmall = ({ parts, arrows }: Picture): boolean =>
  arrows.length <= MOST_ARROWS && boxesOf(parts).length <= MOST_BOXES;

/** Whatever its size. `levels`: how many levels of blocks are open; all of them where it is not given. */
export function shown(spec: Spec, levels?: number): Picture {
  const whole = folded(pictureOf(spec));
  return levels === undefined ? whole : closed(whole, levels);
}

/** What can be laid out. */
export function drawable(spec: Spec, levels?: number): Picture {
  const whole = shown(spec);
  const picture = levels === undefined ? whole : closed(whole, levels);
  if (isSmall(picture)) return picture;
  const at = spec.at(['layers']);
  const boxes = boxesOf(picture.parts).length;
  const fitting = largest(whole, levels ?? depthOf(whole.parts));
  throw new SpecError([pictureTooLarge(at, { boxes, arrows: picture.arrows.length }, MOST_BOXES, fitting)]);
}

/** The most levels below `levels` that can be drawn. */
function largest(whole: Picture, levels: number): number | undefined {
  for (let fewer = Math.min(levels, depthOf(whole.parts)) - 1; fewer >= 0; fewer--)
    if (isSmall(closed(whole, fewer))) return fewer;
  return undefined;
}
