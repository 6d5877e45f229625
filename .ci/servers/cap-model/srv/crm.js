// A version that moves with every change, whoever makes it. And two verbs of the system: an order is released and opened again.
const cds = require('@sap/cds')

module.exports = srv => {
  const { Accounts, Products, Prices, Orders } = srv.entities
  srv.before(['CREATE', 'UPDATE'], [Accounts, Products, Prices, Orders], req => {
    req.data.version = cds.utils.uuid()
  })

  const move = (from, to) => async req => {
    const [{ ID }] = req.params
    const done = await UPDATE(Orders).set({ state: to, version: cds.utils.uuid() }).where({ ID, state: from })
    if (!done) return req.reject(409, `the order is not ${from}`)
    return SELECT.one.from(Orders).where({ ID })
  }
  srv.on('release', move('open', 'released'))
  srv.on('reopen', move('released', 'open'))
}
