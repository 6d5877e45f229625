using crm from '../db/schema';

@path: '/odata/v4/crm'
@requires: 'authenticated-user'
service CRMService {
  entity Accounts as projection on crm.Accounts;
  entity Contacts as projection on crm.Contacts;
  entity Industries as projection on crm.Industries;
  entity Products as projection on crm.Products;
  entity Prices as projection on crm.Prices;
  entity Orders as projection on crm.Orders actions {
    action release() returns Orders;
    action reopen() returns Orders;
  };
}

annotate CRMService.Accounts with { version @odata.etag @Core.Computed; };
annotate CRMService.Contacts with { modifiedAt @odata.etag; };
annotate CRMService.Products with { version @odata.etag @Core.Computed; };
annotate CRMService.Prices with { version @odata.etag @Core.Computed; };
annotate CRMService.Orders with { version @odata.etag @Core.Computed; };
