import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import type { Config } from '../../config.ts';
import { type Place, reader, watching } from './options.ts';

export const sagemaker = (config: Config, at: Place = {}) =>
  watching(new SageMakerClient({ ...reader(config), ...at }), config);
