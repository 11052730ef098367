import { S3Client } from '@aws-sdk/client-s3';
import type { Config } from '../../config.ts';
import { type Place, reader, watching } from './options.ts';

const pathStyle = () => Boolean(process.env.AWS_ENDPOINT_URL ?? process.env.AWS_ENDPOINT_URL_S3);

export const s3 = (config: Config, at: Place = {}) =>
  watching(new S3Client({ ...reader(config), forcePathStyle: pathStyle(), ...at }), config);
