/** Recurrent networks. */
import type { LayerDef } from '../define';
import { gru, gruCell } from './gru';
import { lstm, lstmCell } from './lstm';
import { masking } from './masking';
import { rnn, rnnCell } from './rnn';

export const RECURRENTS = {
  rnn,
  lstm,
  gru,
  rnn_cell: rnnCell,
  lstm_cell: lstmCell,
  gru_cell: gruCell,
  masking,
} as const satisfies Readonly<Record<string, LayerDef>>;
