import { describe, expect, test } from 'vitest';
import { pricesFrom } from '../../shared/model/price-list.ts';

/** A product as the API documents it; a test breaks one property. */
const product = (attributes: object = {}, dimension: object = {}, more: object = {}) =>
  JSON.stringify({
    serviceCode: 'AmazonSageMaker',
    version: '20261119',
    publicationDate: '2026-11-19T08:00:00Z',
    product: {
      sku: 'SKU',
      attributes: {
        regionCode: 'us-east-1',
        instanceName: 'ml.m5.xlarge',
        platoinstancetype: 'Hosting',
        ...attributes,
      },
    },
    terms: {
      OnDemand: {
        'SKU.T': {
          priceDimensions: { 'SKU.T.R': { unit: 'Hrs', pricePerUnit: { USD: '0.2300000000' }, ...dimension } },
        },
      },
    },
    ...more,
  });
const read = (...products: string[]) => pricesFrom(products, 'us-east-1');

describe('the price list', () => {
  test('gives the hourly price of an instance type, and the day that AWS published it', () => {
    expect(read(product())).toEqual({
      hosting: { 'ml.m5.xlarge': 0.23 },
      asynchronous: {},
      processing: {},
      publishedOn: '2026-11-19',
      version: '20261119',
      unreadable: 0,
    });
  });

  test.each([
    ['what it is for stands in the other attribute', product({ platoinstancetype: undefined, component: 'Hosting' })],
    [
      'its type stands in the usage type only',
      product({ instanceName: undefined, usagetype: 'USE1-Host:ml.m5.xlarge' }),
    ],
  ])('is read also where %s', (_what, text) => expect(read(text).hosting).toEqual({ 'ml.m5.xlarge': 0.23 }));

  test('keeps the prices of processing jobs apart', () => {
    const { hosting, processing } = read(product({ platoinstancetype: 'Processing' }));
    expect({ hosting, processing }).toEqual({ hosting: {}, processing: { 'ml.m5.xlarge': 0.23 } });
  });

  test.each([
    ['another purpose', product({ platoinstancetype: 'Training' })],
    ['a free tier', product({ platoinstancetype: 'FreeTier-Hosting' })],
    ['asynchronous inference', product({ platoinstancetype: 'AsyncInf' })],
    ['another region', product({ regionCode: 'eu-west-1' })],
    ['no instance type', product({ instanceName: 'storage' })],
    ['a price of 0', product({}, { pricePerUnit: { USD: '0.0000000000' } })],
    ['another currency', product({}, { pricePerUnit: { CNY: '1.5' } })],
    ['another unit', product({}, { unit: 'GB-Mo' })],
    ['no price on demand', product({}, {}, { terms: {} })],
  ])('has no hosting price in %s', (_what, text) => expect(read(text)).toMatchObject({ hosting: {}, unreadable: 0 }));

  test.each([
    ['by what the instance is for', { platoinstancetype: 'AsyncInf' }],
    ['as newer clients name that', { platoinstancetype: undefined, component: 'AsyncInf' }],
  ])('keeps the prices of asynchronous inference apart, %s', (_what, attributes) => {
    expect(read(product(attributes))).toMatchObject({ hosting: {}, asynchronous: { 'ml.m5.xlarge': 0.23 } });
  });

  test('counts the dearer of two prices for one type', () => {
    const dear = product({}, { pricePerUnit: { USD: '0.25' } });
    expect(read(dear, product()).hosting).toEqual({ 'ml.m5.xlarge': 0.25 });
    expect(read(product(), dear).hosting).toEqual({ 'ml.m5.xlarge': 0.25 });
  });

  test.each([
    ['not JSON', '{'],
    ['not a product', '{}'],
    ['nothing', ''],
  ])('what is %s is counted and hides nothing', (_what, text) => {
    expect(read(text, product())).toMatchObject({ hosting: { 'ml.m5.xlarge': 0.23 }, unreadable: 1 });
  });
});
