'use strict'
// A page of a mini program that uploads without an SDK, in the shape that Tencent's guide
// for mini programs gives it: ask for a signature by the extension, then PUT or POST the
// file, and tell the user by the status.

const encoded = (key) => encodeURIComponent(key)
  .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  .replace(/%2F/g, '/')

/** What the page does, by method. server is where signatures come from. */
function page(wx, server) {
  const sign = (door, filePath, then) => wx.request({
    method: 'GET',
    url: `${server}/${door}?ext=${filePath.slice(filePath.lastIndexOf('.') + 1)}`,
    dataType: 'json',
    success: ({ data, statusCode }) => {
      if (statusCode !== 200) return wx.showModal({ title: 'No signature', content: JSON.stringify(data) })
      then(data)
    },
    fail: (err) => wx.showModal({ title: 'No signature', content: JSON.stringify(err) }),
  })
  const tell = (url) => ({
    success: (res) => wx.showModal(res.statusCode === 200
      ? { title: 'Upload succeeded', content: url }
      : { title: 'Upload failed', content: JSON.stringify(res) }),
    fail: (res) => wx.showModal({ title: 'Upload failed', content: JSON.stringify(res) }),
  })
  const choose = (then) => wx.chooseMedia({ count: 1, success: (res) => then(res.tempFiles[0].tempFilePath) })

  return {
    PUT: () => choose((filePath) => sign('put-sign', filePath, (auth) => {
      wx.getFileSystemManager().readFile({
        filePath,
        success: (file) => wx.request({
          url: `http://${auth.cosHost}/${encoded(auth.cosKey)}`,
          method: 'PUT',
          header: { Authorization: auth.authorization, 'x-cos-security-token': auth.securityToken },
          data: file.data,
          ...tell(`http://${auth.cosHost}/${encoded(auth.cosKey)}`),
        }),
      })
    })),
    POST: () => choose((filePath) => sign('post-policy', filePath, (auth) => {
      wx.uploadFile({
        url: `http://${auth.cosHost}`,
        name: 'file',
        filePath,
        formData: {
          key: auth.cosKey,
          success_action_status: 200,
          'Content-Type': '',
          'q-sign-algorithm': auth.qSignAlgorithm,
          'q-ak': auth.qAk,
          'q-key-time': auth.qKeyTime,
          'q-signature': auth.qSignature,
          policy: auth.policy,
          'x-cos-security-token': auth.securityToken,
        },
        ...tell(`http://${auth.cosHost}/${encoded(auth.cosKey)}`),
      }).onProgressUpdate(() => {})
    })),
  }
}

module.exports = { page }
