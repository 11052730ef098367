import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { Config } from '../../config.ts';
import { type Place, reader, watching } from './options.ts';

export const cloudwatch = (config: Config, at: Place = {}) =>
  watching(new CloudWatchClient({ ...reader(config), ...at }), config);
