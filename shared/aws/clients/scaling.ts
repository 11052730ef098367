import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import type { Config } from '../../config.ts';
import { type Place, reader, watching } from './options.ts';

export const scaling = (config: Config, at: Place = {}) =>
  watching(new ApplicationAutoScalingClient({ ...reader(config), ...at }), config);
