/** Removes dead code: what contributes to no result and no update. A check whose result nobody uses goes too. */
import { removeDeadNodes } from '../ir/rewrite';
import { definePass } from './define';

export const dce = definePass({
  name: 'dce',
  doc: 'Removes what contributes to no result and no update.',
  run: (graph) => removeDeadNodes(graph),
});
