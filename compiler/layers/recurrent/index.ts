/** Recurrent networks. */
import type { LayerDef } from '../define';
import { convLstm1d, convLstm2d, convLstm3d } from './conv_lstm';
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
  conv_lstm1d: convLstm1d,
  conv_lstm2d: convLstm2d,
  conv_lstm3d: convLstm3d,
  masking,
} as const satisfies Readonly<Record<string, LayerDef>>;
